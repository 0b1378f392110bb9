"""Controls that several pages have in common."""

import secrets
from collections.abc import Callable, Mapping
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import streamlit as st
import torch
from streamlit.errors import StreamlitAPIException
from torch import Tensor

from cvae import checkpoints
from cvae.presets import PRESETS
from ui.shell import address, classes, link, resources, share, words

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from cvae.config import ModelConfig
    from cvae.models import AnyModel, LatentModel

OfConfig = Callable[["ModelConfig"], bool | int]  # whether, or how much
OfModel = Callable[["AnyModel"], bool]
NAME = "Latent digits"
ICON = "\N{INPUT SYMBOL FOR NUMBERS}"
PLANE = "The whole plane"  # the view that models of two latents have
FIRST = "vae-dense-2d"  # the preset that is trained soonest
BY_HAND = "models by hand"  # in the session: the names that the visitor chose, the latest first
SEEDS = 2**31
SHIPPED = {preset.data.dataset for preset in PRESETS.values()}  # data sets
PAGES = Path(__file__).parent.parent.parent / "pages"
MODEL = 180  # pixels of the width of a choice of a model
SIDEBAR = 208  # pixels, as in page.css


def flat(config: "ModelConfig") -> bool:
    """Tell whether a model's latent space is a plane."""
    return config.latent_dim == 2


def labelled(config: "ModelConfig") -> bool:
    """Tell whether a model is told a label."""
    return config.n_classes > 0


def paints(config: "ModelConfig") -> bool:
    """Tell whether a model learned to complete holes."""
    return config.kind.completes


def convolutional(config: "ModelConfig") -> bool:
    """Tell whether a model is one of convolutions."""
    return config.network == "conv"


def largest(config: "ModelConfig") -> int:
    """Return the side of the pictures of a model of convolutions, 0 for others."""
    return config.image_shape[1] if convolutional(config) else 0


def textbook(config: "ModelConfig") -> bool:
    """Tell whether a model is one of convolutions that is told no label."""
    return convolutional(config) and not labelled(config)


def is_measured_face(model: "AnyModel") -> bool:
    """Tell whether a model is one of faces that the page of faces can work with."""
    return resources.is_face(model) and resources.has_space(model.preset.name)


def begin(title: str, lead: str) -> "DeltaGenerator":
    """Start a page: its settings, heading and one line of introduction beside it.

    Returns the place of the introduction, for a page that says something else of some models.
    """
    name = title if title == NAME else f"{title} - {NAME}"
    st.set_page_config(page_title=name, page_icon=ICON, layout="wide", initial_sidebar_state=SIDEBAR)
    if st.context.is_embedded:  # in a slide, perhaps
        st.html(keys(), unsafe_allow_javascript=True)
    address.arrive(title)
    _list_pages()
    with st.container(horizontal=True, vertical_alignment="center", key="head", gap="medium"):
        st.title(title, anchor=False, width="content")
        place = st.empty()
        place.markdown(lead)
        share.buttons()
    return place


def bar() -> "DeltaGenerator":
    """Return the row for the controls of a page, which stands below its heading."""
    return st.container(horizontal=True, vertical_alignment="bottom", key="bar", gap="small")


def stage(key: str = "stage") -> "DeltaGenerator":
    """Return the place of the main thing of a page, which alone is left in the presentation view.

    With another key, the place of a part of it. Both have their height before they are filled: see page.css.
    """
    place = st.container(key=key)
    place.empty()  # Streamlit leaves out what holds nothing as yet
    return place


def keys() -> str:
    """Return the script by which a page in a slide hands the keys that it does not use to the deck around it."""
    script = files("cvae.browser").joinpath("deck.js").read_text(encoding="utf-8")
    return f"<script>(() => {{\n{script}\ngiveKeysBack();\n}})();</script>"


def page_names() -> list[str]:
    """Return what the pages are called, in their order, also in an address."""
    return [page.stem.split("_", 1)[1] for page in _pages()]


def _pages() -> list[Path]:
    return sorted(PAGES.glob("*.py"))


def _list_pages() -> None:
    """Link all pages in the sidebar; where a page runs alone, as in a test, Streamlit knows no others to link.

    The list of a talk's links goes along.
    """
    talk = {"talk": listed} if (listed := st.query_params.get("talk")) else None
    try:
        st.sidebar.page_link("app.py", label="Home", query_params=talk)
        for name, page in zip(page_names(), _pages(), strict=True):
            st.sidebar.page_link(page, label=name, query_params=talk)
    except StreamlitAPIException:
        return


def choose(
    label: str, options: list[str], key: str, explained: str | None = None, former: Mapping[str, str] | None = None
) -> str:
    """Let the visitor choose one of a few options, at first the first; `key` is also the parameter in the address.

    What is `explained` stands behind a question mark. `former` leads from words that older links have for an option
    to today's.
    """
    if (today := (former or {}).get(st.query_params.get(key, ""))) is not None:
        address.put(key, today)
    address.choice(key, options)
    if len(options) == 1:
        return options[0]
    chosen = st.segmented_control(
        label, options, default=options[0], required=True, key=key, bind="query-params", help=explained
    )
    address.overrule(key, chosen := chosen or options[0])  # an empty parameter in the address empties the control
    return chosen


def best(
    prefer: OfConfig, fits: OfModel, families: tuple[str, ...] = resources.GENERATIVE
) -> tuple[str, resources.Listed] | None:
    """Return the one that a page of such models opens with, unloaded; None without any, which no line tells."""
    models = {name: model for name, model in resources.available(families)[0].items() if fits(model)}
    return (name := preferred(models, prefer), models[name]) if models else None


def loaded(name: str, families: tuple[str, ...] = resources.GENERATIVE) -> "AnyModel":
    """Return a model that is listed; stops the page, with one line on it, where its files are damaged since."""
    try:
        return resources.model(name, families)
    except ValueError as error:
        st.error(words.markdown(str(error)))
        st.stop()


def first_model(prefer: OfConfig, fits: OfModel = lambda model: True, warns: bool = True) -> tuple[str, "AnyModel"]:
    """Return name and model of the first that `fits` and whose config `prefer` is true, else the first that fits.

    Stops a page without any. `warns` of folders that cannot be used, unless the page has done so already.
    """
    models = _models(fits, warns=warns)
    name = preferred(models, prefer)
    return name, loaded(name)


def pick_model(
    prefer: OfConfig,
    fits: OfModel = lambda model: True,
    train: str = FIRST,
    families: tuple[str, ...] = resources.GENERATIVE,
    last: Callable[[str], bool] = lambda name: False,
    view: OfConfig = lambda config: True,
) -> tuple[str, "AnyModel"]:
    """Let the visitor choose a model of these families that `fits`; at first one whose config `prefer` is true of.

    One that was chosen by hand on another page goes along, if `view` is true of its config: it can have what the page
    will show. Names of which `last` is true stand below the others. Stops a page without any, with the advice to train
    `train`.
    """
    models = _models(fits, train, families)
    above = {name: model for name, model in models.items() if not last(name)}
    st.session_state["model"] = name = _asked_model(models, preferred(above or models, prefer), view)
    about = words.markdown(models[name].preset.about)
    st.selectbox("Model", sorted(models, key=last), key="model", on_change=_choose_model, help=about, width=MODEL)
    return name, loaded(name, families)


def _asked_model(models: dict[str, resources.Listed], best: str, view: OfConfig) -> str:
    """Return the model in the address; on arrival without one the latest chosen by hand that fits; else the best.

    Streamlit binds no control to this parameter, because a bound one is lost between two pages that both have it.
    """
    visit, asked = address.visit(), address.text("model")
    arrives, visit.arrives = visit.arrives, False
    shows = f"so it shows {words.markdown(best)}."
    address.judge(
        "model", asked in models, f"There is no model {words.markdown(repr(asked[:40]))} for this page, {shows}"
    )
    if asked in models:
        if arrives and visit.first:
            _remember(asked)
        return asked
    if arrives and not visit.back:
        along = (name for name in st.session_state.get(BY_HAND, ()) if name in models and view(models[name].config))
        if (brought := next(along, best)) != best:
            address.put("model", brought)
            return brought
    return best


def by_hand(name: str) -> bool:
    """Tell whether the visitor chose this model last."""
    return st.session_state.get(BY_HAND, [])[:1] == [name]


def asked(key: str) -> str:
    """Return the option that a control will show, by the address or an earlier visit; empty for its first."""
    return st.query_params.get(key) or st.session_state.get(key) or ""


def _choose_model() -> None:
    _remember(st.session_state["model"])
    address.put("model", st.session_state["model"])


def _remember(name: str) -> None:
    """Note that the visitor chose this model by hand, after others for other pages."""
    st.session_state[BY_HAND] = [name, *(other for other in st.session_state.get(BY_HAND, ()) if other != name)]


def pick_seed(key: str, button: str = "New seed", more: "DeltaGenerator | None" = None) -> int:
    """Let the visitor draw another seed or, folded in `more` or in a box of its own, choose one.

    `key` is also the parameter in the address.
    """
    address.number(key, 0, SEEDS - 1)
    st.button(button, on_click=draw_number, args=(key, SEEDS), key=f"{key}_next")
    # a float, because Streamlit 1.67 fails on ?seed=1e999 where the number is an int
    with more or st.popover("Seed", key=f"{key}_box"):
        seed = st.number_input("Seed", 0.0, SEEDS - 1.0, step=1.0, format="%.0f", key=key, bind="query-params")
    return round(seed or 0)


def draw_number(key: str, count: int) -> None:
    """Put a random whole number below `count` into the number input of this key."""
    st.session_state[key] = float(secrets.randbelow(count))


def _models(
    fits: OfModel, train: str = FIRST, families: tuple[str, ...] = resources.GENERATIVE, warns: bool = True
) -> dict[str, resources.Listed]:
    """Return the models that fit, unloaded, with one line on the page for every folder that cannot be used."""
    models, problems = resources.available(families)
    models = {name: model for name, model in models.items() if fits(model)}
    for problem in problems if warns else ():
        st.warning(words.markdown(problem))
    if not models:
        tell_none(train)
    return models


def tell_none(train: str) -> NoReturn:
    """Say that there is no model, and what to do; the page ends there."""
    nowhere = checkpoints.nowhere()
    st.info(words.markdown(nowhere) or f"There is no trained model yet. Train one with: python train.py {train}")
    st.stop()


def preferred(models: Mapping[str, "AnyModel"], prefer: OfConfig) -> str:
    """Return the first whose config `prefer` is true of, or most of, else of all; shipped ones come before others."""
    liked = {name: prefer(model.config) for name, model in models.items()}
    fitting = [name for name, like in liked.items() if like == max(liked.values())]
    return min(fitting, key=lambda name: (models[name].preset.data.dataset not in SHIPPED, name not in PRESETS))


def first_digit(name: str, model: "LatentModel") -> tuple[Tensor, Tensor | None]:
    """Return point (D,) and label (1,) of the first encoded test digit, else the centre and 0. No label for a VAE."""
    digits = resources.encoded(name)
    u = link.centre(model) if digits is None else torch.from_numpy(digits.u[0])
    label = torch.tensor([0 if digits is None else int(digits.labels[0])])
    return u, label if model.config.n_classes else None


def pick_label(model: "LatentModel", key: str = "label") -> Tensor | None:
    """Let the visitor choose the label, (1,), of a conditional model; None for another."""
    address.choice(key, label_parameters(model))
    if not model.config.n_classes:
        return None
    options, head = list(range(model.config.n_classes)), classes.heading(model)
    if len(options) > classes.MOST_PILLS:
        label = st.selectbox(head, options, format_func=partial(classes.name, model), key=key, bind="query-params")
    else:
        written = [words.markdown(name) for name in classes.names(model)]
        label = st.pills(
            head, options, format_func=written.__getitem__, default=0, required=True, key=key, bind="query-params"
        )
    return torch.tensor([label or 0])


def label_parameters(model: "LatentModel") -> list[str]:
    """Return how an address names the labels that a model takes; none for a model without labels."""
    return [classes.parameter(model, label) for label in range(model.config.n_classes)]


def pick_label_and_seed(model: "LatentModel", label_key: str, seed_key: str) -> tuple[Tensor | None, int]:
    """Let the visitor choose a label, (1,), if a model takes one, and a seed, side by side."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", width="content"):
        label = None if model is None else pick_label(model, label_key)
        return label, pick_seed(seed_key, "Another")


def pick_labels(model: "LatentModel", key: str) -> list[int]:
    """Let the visitor choose some of the labels of a conditional model; none chosen means all."""
    address.choice(key, label_parameters(model), several=True)
    options, explained = list(range(model.config.n_classes)), "None chosen: all of them."
    head = "Digits" if classes.are_digits(model) else "Classes"
    if len(options) > classes.MOST_PILLS:
        name = partial(classes.name, model)
        chosen = st.multiselect(head, options, format_func=name, key=key, bind="query-params", help=explained)
    else:
        written = [words.markdown(name) for name in classes.names(model)].__getitem__
        chosen = st.pills(
            head, options, selection_mode="multi", format_func=written, key=key, bind="query-params", help=explained
        )
    return sorted(chosen) or options


def real_digit(name: str, model: "LatentModel") -> None:
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
