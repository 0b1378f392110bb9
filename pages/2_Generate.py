"""Generate: new pictures from the prior, and one style across all labels."""

from typing import TYPE_CHECKING

import streamlit as st

from ui.shell import address, classes, controls, images, link, resources, sampling, taking
from ui.widgets.live.live import live
from ui.widgets.shelf import shelf

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from cvae.models import LatentModel

SAMPLES = "Samples"
COUNTS = [10, 20, 50, 100, 200]
controls.begin("Generate", "Pictures nobody made, drawn from what a model has learned.")


@st.fragment
@address.told()
def generate() -> None:
    """Let the visitor choose a model and a view, and draw that."""
    may = lambda config: controls.labelled(config) or controls.asked("show") in ("", SAMPLES)  # noqa: E731
    bar = controls.bar()
    with bar:
        name, model = controls.pick_model(controls.labelled, resources.is_generated, view=may)
        _ = link.point("z", link.centre(model)), shelf.held(model, every=True)  # read by one view only, judged in both
        views = {SAMPLES: samples, sampling.every(model): one_style} if model.config.n_classes else {SAMPLES: samples}
        view = controls.choose("View", list(views), "show")
    views[view](name, model, bar)


def samples(name: str, model: "LatentModel", bar: "DeltaGenerator") -> None:
    """Draw a grid of samples, the same for the same controls."""
    with bar:
        digits = controls.pick_labels(model, "digits") if model.config.n_classes else []
        count, temperature, seed = pick_amounts(classes.noun(model))
    grid = images.grid_png(sampling.sample(model, digits, count, temperature, seed), sampling.columns(digits, count))
    wanted = ", ".join(classes.name(model, i) for i in digits) or "as the model chooses"
    with controls.stage():
        st.image(grid, width="stretch", alt=f"{count} generated {classes.noun(model)}s: {wanted}")
    if not model.config.n_classes:
        address.judge("digits", False)
        says = f"This model has no labels, so it chooses the {classes.noun(model)}s itself."
        st.info(f"{says} Pick a conditional model to ask for one.")
    label = None if not digits else taking.ALL if len(digits) > 1 else digits[0]
    taking.button(name, lambda: (link.centre(model), label))


def pick_amounts(noun: str) -> tuple[int, float, int]:
    """Let the visitor choose how many, the temperature and the seed, all but the seed's button folded."""
    address.choice("count", map(str, COUNTS))
    address.number("temperature", 0, 1.5)
    with (more := st.popover("More")):
        count = st.select_slider("How many", COUNTS, value=50, key="count", bind="query-params")
        explained = f"Scales the noise: 0 is the most typical {noun}, 1 the model as trained."
        key = "temperature"
        temperature = st.slider("Temperature", 0.0, 1.5, 1.0, 0.05, key=key, bind="query-params", help=explained)
    return count, temperature, controls.pick_seed("seed", more=more)


def one_style(name: str, model: "LatentModel", bar: "DeltaGenerator") -> None:
    """Draw the same point decoded for every label."""
    u = link.point("z", link.centre(model))
    with bar:
        st.button("Random style", on_click=link.set_point, args=("z", link.random_point(model.config.latent_dim)))
        st.button("Plain style", on_click=link.set_point, args=("z", link.centre(model)))
        shelf.button()
    with controls.stage():
        live(name, model, u, sampling.every_label(model), key="style")
    shelf.draw(name, model, u, None)
    says = "The latent point holds the style, the label says what is drawn"
    count = model.config.n_classes
    st.caption(f"{says}: one point, {'both' if count == 2 else f'all {count}'} labels.")
    taking.button(name, lambda: (u, taking.ALL))


generate()
