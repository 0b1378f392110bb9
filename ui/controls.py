"""Controls that several pages have in common."""

import secrets
from functools import partial
from pathlib import Path

import streamlit as st
import torch
from streamlit.errors import StreamlitAPIException
from torch import Tensor

from cvae.presets import PRESETS
from ui import classes, link, resources, words

NAME = "Latent digits"
ICON = "\N{INPUT SYMBOL FOR NUMBERS}"
FIRST = "vae-dense-2d"  # the preset that is trained soonest
SEEDS = 2**31
SHIPPED = {preset.data.dataset for preset in PRESETS.values()}  # data sets
PAGES = Path(__file__).parent.parent / "pages"
STYLE = Path(__file__).with_name("page.css")
# Where the list of pages covers the page, Streamlit folds it at a press beside it, but not at a choice in it: that counts as one too
MENU = """<script>
document.querySelector("[data-testid=stSidebar]").onclick = (event) => {
  const press = new MouseEvent("mousedown", { bubbles: true });
  if (event.target.closest("a")) document.querySelector("[data-testid=stMain]").dispatchEvent(press);
};
</script>"""
WIDE = ".stMainBlockContainer { max-width: 72rem; }"


def begin(title: str, lead: str, wide: bool = False) -> None:
    """Start a page: its settings, heading and one line of introduction; `wide` gives a broad table more room."""
    st.set_page_config(page_title=title if title == NAME else f"{title} - {NAME}", page_icon=ICON, layout="centered")
    st.html(STYLE)
    if wide:
        st.html(f"<style>{WIDE}</style>")
    _list_pages()
    st.title(title, anchor=False)
    st.markdown(lead)


def _list_pages() -> None:
    """Link all pages in the sidebar; where a page runs alone, as in a test, Streamlit knows no others to link."""
    try:
        st.sidebar.page_link("app.py", label="Home")
        for page in sorted(PAGES.glob("*.py")):
            st.sidebar.page_link(page, label=page.stem.split("_", 1)[1])
        st.sidebar.html(MENU, unsafe_allow_javascript=True)
    except StreamlitAPIException:
        return


def choose(label: str, options: list[str], key: str) -> str:
    """Let the visitor choose one of a few options, at first the first; `key` is also the parameter in the address."""
    if len(options) == 1:
        return options[0]
    chosen = st.segmented_control(label, options, default=options[0], required=True, key=key, bind="query-params")
    return chosen or options[0]  # an empty parameter in the address empties the control


def first_model(prefer, fits=lambda model: True, warns: bool = True) -> tuple[str, object]:
    """Return name and model of the first that `fits` and whose config `prefer` is true, else the first that fits.

    Stops a page without any. `warns` of folders that cannot be used, unless the page has done so already.
    """
    models = _models(fits, warns=warns)
    name = preferred(models, prefer)
    return name, models[name]


def pick_model(
    prefer,
    fits=lambda model: True,
    about: bool = True,
    train: str = FIRST,
    families: tuple[str, ...] = resources.GENERATIVE,
    last=lambda name: False,
) -> tuple[str, object]:
    """Let the visitor choose a model of these families that `fits`; at first one whose config `prefer` is true of.

    Names of which `last` is true stand below the others. Stops a page without any, with the advice to train the preset `train`.
    """
    models = _models(fits, train, families)
    names = sorted(models, key=last)
    first = names.index(preferred(models, prefer))
    if (asked := st.query_params.get("model")) and asked not in names:
        st.warning(words.markdown(f"There is no model {asked[:40]!r} for this page, so it shows {names[first]}."))
    name = st.selectbox("Model", names, index=first, key="model", bind="query-params") or names[first]
    if about:
        st.caption(words.markdown(models[name].preset.about))
    return name, models[name]


def pick_seed(key: str, button: str = "New seed", columns=None) -> int:
    """Let the visitor choose a seed, or draw another; `key` is also the parameter in the address.

    The two controls stand in `columns`, two containers, if they are given.
    """
    left, right = columns or st.columns(2, vertical_alignment="bottom")
    # a float, because Streamlit 1.67 fails on ?seed=1e999 where the number is an int
    seed = left.number_input("Seed", 0.0, SEEDS - 1.0, step=1.0, format="%.0f", key=key, bind="query-params")
    right.button(button, on_click=draw_number, args=(key, SEEDS), key=f"{key}_next", width="stretch")
    return round(seed or 0)


def draw_number(key: str, count: int) -> None:
    """Put a random whole number below `count` into the number input of this key."""
    st.session_state[key] = float(secrets.randbelow(count))


def _models(
    fits=lambda model: True, train: str = FIRST, families: tuple[str, ...] = resources.GENERATIVE, warns: bool = True
) -> dict:
    """Return the models that fit, with one line on the page for every folder that cannot be used."""
    models, problems = resources.available(families)
    models = {name: model for name, model in models.items() if fits(model)}
    for problem in problems if warns else ():
        st.warning(words.markdown(problem))
    if not models:
        st.info(f"There is no trained model yet. Train one with: python train.py {train}")
        st.stop()
    return models


def preferred(models: dict, prefer) -> str:
    """Return the first whose config `prefer` is true of, of all where there is none; what is shipped before a visitor's own."""
    fitting = [name for name, model in models.items() if prefer(model.config)] or list(models)
    return min(fitting, key=lambda name: (name not in PRESETS, models[name].preset.data.dataset not in SHIPPED))


def first_digit(name: str, model) -> tuple[Tensor, Tensor | None]:
    """Return point (D,) and label (1,) of the first encoded test digit; without any the centre and 0. No label for a VAE."""
    digits = resources.encoded(name)
    u = link.centre(model) if digits is None else torch.from_numpy(digits.u[0])
    label = torch.tensor([0 if digits is None else int(digits.labels[0])])
    return u, label if model.config.n_classes else None


def pick_label(model, key: str = "label") -> Tensor | None:
    """Let the visitor choose the label, (1,), of a conditional model; None for another."""
    if not model.config.n_classes:
        return None
    options, head = list(range(model.config.n_classes)), classes.heading(model)
    if len(options) > classes.MOST_PILLS:
        label = st.selectbox(head, options, format_func=partial(classes.name, model), key=key, bind="query-params")
    else:
        written = [words.markdown(name) for name in classes.names(model)]
        label = st.pills(head, options, format_func=written.__getitem__, default=0, required=True, key=key, bind="query-params")
    return torch.tensor([label or 0])


def pick_label_and_seed(model, label_key: str, seed_key: str) -> tuple[Tensor | None, int]:
    """Let the visitor choose a label, (1,), where there is a model that takes one, and a seed, side by side if the names are short."""
    if model is None or classes.are_digits(model):
        left, *seed = st.columns([6, 2, 2], vertical_alignment="bottom")
        with left:
            label = None if model is None else pick_label(model, label_key)
    else:
        label = pick_label(model, label_key)
        seed = st.columns([2, 2, 6], vertical_alignment="bottom")[:2]
    return label, pick_seed(seed_key, "Another", seed)


def pick_labels(model, key: str) -> list[int]:
    """Let the visitor choose some of the labels of a conditional model; none chosen means all."""
    options, head, explained = list(range(model.config.n_classes)), "Digits" if classes.are_digits(model) else "Classes", "None chosen: all of them."
    if len(options) > classes.MOST_PILLS:
        name = partial(classes.name, model)
        chosen = st.multiselect(head, options, format_func=name, key=key, bind="query-params", help=explained)
    else:
        written = [words.markdown(name) for name in classes.names(model)].__getitem__
        chosen = st.pills(head, options, selection_mode="multi", format_func=written, key=key, bind="query-params", help=explained)
    return sorted(chosen) or options


def real_digit(name: str, model) -> None:
    """Offer to start from an encoded test picture: its latent point, and its label where the model takes one."""
    digits = resources.encoded(name)
    if digits is None:
        remedy = f"Make them with: python evaluate.py {name}"
        st.caption(words.markdown(f"No encoded test {classes.noun(model)}s yet. {remedy}"))
        return
    present = sorted(set(digits.labels.tolist()))
    label = st.selectbox("Class", present, format_func=partial(classes.name, model), key="real_class")
    members = (digits.labels == label).nonzero()[0]
    number = st.number_input(
        "Which one", 1, len(members), key="real_number", help="The test pictures of this class, in their order."
    )
    u = torch.from_numpy(digits.u[members[number - 1]])
    st.button("Start here", on_click=_start, args=(u, label, model.config.n_classes), width="stretch")


def _start(u: Tensor, label: int, n_classes: int) -> None:
    link.set_point("z", u)
    if n_classes:
        st.session_state["label"] = label
