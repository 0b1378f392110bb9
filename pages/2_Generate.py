"""Generate: new digits from the prior, and one style across all ten labels."""

import streamlit as st

from ui import controls, images, link, resources, sampling
from ui.live import live

controls.begin("Generate", "Digits nobody wrote, drawn from what a model has learned.")
name, model = controls.pick_model(prefer=lambda config: config.n_classes > 0, fits=resources.is_digit)
n_classes = model.config.n_classes


def pick_digits() -> list[int]:
    """Let the visitor choose digits; none chosen means all, and a model without labels has none."""
    if not n_classes:
        st.info("This model has no labels, so it chooses the digits itself. Pick a conditional model to ask for one.")
        return []
    digits = list(range(n_classes))
    chosen = st.pills(
        "Digits", digits, selection_mode="multi", key="digits", bind="query-params", help="None chosen: all of them."
    )
    return sorted(chosen) or digits


def pick_amounts() -> tuple[int, float, int]:
    """Let the visitor choose how many, the temperature and the seed."""
    left, right = st.columns(2)
    count = left.select_slider("How many", [10, 20, 50, 100, 200], value=50, key="count", bind="query-params")
    explained = "Scales the noise: 0 is the most typical digit, 1 the model as trained."
    temperature = right.slider("Temperature", 0.0, 1.5, 1.0, 0.05, key="temperature", bind="query-params", help=explained)
    return count, temperature, controls.pick_seed("seed")


@st.fragment
def samples() -> None:
    """Draw a grid of samples, the same for the same controls."""
    digits = pick_digits()
    count, temperature, seed = pick_amounts()
    grid = images.grid_png(sampling.sample(model, digits, count, temperature, seed), sampling.columns(digits))
    wanted = f"{count} generated digits: {', '.join(map(str, digits)) or 'as the model chooses'}"
    st.image(grid, width="stretch", alt=wanted)
    st.download_button("Download PNG", grid, f"{name}-seed-{seed}.png", "image/png", on_click="ignore")


@st.fragment
def one_style() -> None:
    """Draw the same point decoded for every label."""
    u = link.point("z", link.centre(model))
    st.markdown("The latent point holds the style, the label holds the digit: one point, all ten labels.")
    with st.container(horizontal=True):
        st.button("Random style", on_click=link.set_point, args=("z", link.random_point(model.config.latent_dim)))
        st.button("Plain style", on_click=link.set_point, args=("z", link.centre(model)))
    live(name, model, u, sampling.every_label(model), key="style")


views = {"Samples": samples, "One style, ten digits": one_style} if n_classes else {"Samples": samples}
views[controls.choose("View", list(views), "show")]()
