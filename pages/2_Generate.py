"""Generate: new pictures from the prior, and one style across all labels."""

import streamlit as st

from ui import classes, controls, images, link, resources, sampling
from ui.live import live

controls.begin("Generate", "Pictures nobody made, drawn from what a model has learned.")
name, model = controls.pick_model(prefer=lambda config: config.n_classes > 0, fits=resources.is_picture)
n_classes, noun = model.config.n_classes, classes.noun(model)
EVERY = "One style, ten digits" if classes.are_digits(model) else "One style, all classes"


def pick_digits() -> list[int]:
    """Let the visitor choose classes; none chosen means all, and a model without labels has none."""
    if not n_classes:
        st.info(f"This model has no labels, so it chooses the {noun}s itself. Pick a conditional model to ask for one.")
        return []
    return controls.pick_labels(model, "digits")


def pick_amounts() -> tuple[int, float, int]:
    """Let the visitor choose how many, the temperature and the seed."""
    left, right = st.columns(2)
    count = left.select_slider("How many", [10, 20, 50, 100, 200], value=50, key="count", bind="query-params")
    explained = f"Scales the noise: 0 is the most typical {noun}, 1 the model as trained."
    temperature = right.slider("Temperature", 0.0, 1.5, 1.0, 0.05, key="temperature", bind="query-params", help=explained)
    return count, temperature, controls.pick_seed("seed")


@st.fragment
def samples() -> None:
    """Draw a grid of samples, the same for the same controls."""
    digits = pick_digits()
    count, temperature, seed = pick_amounts()
    grid = images.grid_png(sampling.sample(model, digits, count, temperature, seed), sampling.columns(digits))
    wanted = f"{count} generated {noun}s: {', '.join(classes.name(model, i) for i in digits) or 'as the model chooses'}"
    st.image(grid, width="stretch", alt=wanted)
    st.download_button("Download PNG", grid, f"{name}-seed-{seed}.png", "image/png", on_click="ignore")


@st.fragment
def one_style() -> None:
    """Draw the same point decoded for every label."""
    u = link.point("z", link.centre(model))
    st.markdown(f"The latent point holds the style, the label says what is drawn: one point, all {n_classes} labels.")
    with st.container(horizontal=True):
        st.button("Random style", on_click=link.set_point, args=("z", link.random_point(model.config.latent_dim)))
        st.button("Plain style", on_click=link.set_point, args=("z", link.centre(model)))
    live(name, model, u, sampling.every_label(model), key="style")


views = {"Samples": samples, EVERY: one_style} if n_classes else {"Samples": samples}
views[controls.choose("View", list(views), "show")]()
