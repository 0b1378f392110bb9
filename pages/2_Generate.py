"""Generate: new pictures from the prior, and one style across all labels."""

import streamlit as st

from ui.shell import address, classes, controls, images, link, resources, sampling, taking
from ui.widgets.live.live import live

SAMPLES = "Samples"
controls.begin("Generate", "Pictures nobody made, drawn from what a model has learned.")
may = lambda config: controls.labelled(config) or controls.asked("show") in ("", SAMPLES)  # noqa: E731
name, model = controls.pick_model(controls.labelled, resources.is_picture, view=may)
n_classes, noun = model.config.n_classes, classes.noun(model)
COUNTS = [10, 20, 50, 100, 200]
EVERY = sampling.every(model)


def pick_digits() -> list[int]:
    """Let the visitor choose classes; none chosen means all, and a model without labels has none."""
    if not n_classes:
        address.judge("digits", False)
        st.info(f"This model has no labels, so it chooses the {noun}s itself. Pick a conditional model to ask for one.")
        return []
    return controls.pick_labels(model, "digits")


def pick_amounts() -> tuple[int, float, int]:
    """Let the visitor choose how many, the temperature and the seed."""
    left, right = st.columns(2)
    address.choice("count", map(str, COUNTS))
    address.number("temperature", 0, 1.5)
    count = left.select_slider("How many", COUNTS, value=50, key="count", bind="query-params")
    explained = f"Scales the noise: 0 is the most typical {noun}, 1 the model as trained."
    key = "temperature"
    temperature = right.slider("Temperature", 0.0, 1.5, 1.0, 0.05, key=key, bind="query-params", help=explained)
    return count, temperature, controls.pick_seed("seed")


@st.fragment
@address.told()
def samples() -> None:
    """Draw a grid of samples, the same for the same controls."""
    digits = pick_digits()
    count, temperature, seed = pick_amounts()
    grid = images.grid_png(sampling.sample(model, digits, count, temperature, seed), sampling.columns(digits))
    wanted = f"{count} generated {noun}s: {', '.join(classes.name(model, i) for i in digits) or 'as the model chooses'}"
    st.image(grid, width="stretch", alt=wanted)
    st.download_button("Download PNG", grid, f"{name}-seed-{seed}.png", "image/png", on_click="ignore")
    label = None if not digits else taking.ALL if len(digits) > 1 else digits[0]
    taking.button(name, lambda: (link.centre(model), label))


@st.fragment
@address.told()
def one_style() -> None:
    """Draw the same point decoded for every label."""
    u = link.point("z", link.centre(model))
    st.markdown(f"The latent point holds the style, the label says what is drawn: one point, all {n_classes} labels.")
    with st.container(horizontal=True):
        st.button("Random style", on_click=link.set_point, args=("z", link.random_point(model.config.latent_dim)))
        st.button("Plain style", on_click=link.set_point, args=("z", link.centre(model)))
    live(name, model, u, sampling.every_label(model), key="style")
    taking.button(name, lambda: (u, taking.ALL))


link.point("z", link.centre(model))  # read by one view only, judged in both
views = {SAMPLES: samples, EVERY: one_style} if n_classes else {SAMPLES: samples}
views[controls.choose("View", list(views), "show")]()
