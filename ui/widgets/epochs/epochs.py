"""Watch it learn: what two models made at chosen epochs of their training, played or scrubbed in the browser."""

import base64
import math
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from cvae.families import FAMILIES
from ui.shell import address, codecs, link, resources, words
from ui.widgets.bridge import component

if TYPE_CHECKING:
    from cvae.models import AnyModel

HTML = """<div class="epochs"><div class="bar"><button type="button" class="play" aria-label="Play"></button>
<input type="range" aria-label="Epoch" min="0" step="1"><output></output></div><div class="models"></div></div>"""
MOST = 10**7  # epochs of any training
TITLES = {"reconstructions": "The same {} pictures, reconstructed", "samples": "The same {} z, decoded"}
_draw = component(__file__, HTML)


def watch(pair: list[tuple[str, "AnyModel"]]) -> None:
    """Draw the player with all stored epochs of both models; the epoch stands in the address under `epoch`."""
    asked = _asked()
    stored = {name: progress for name, _ in pair if (progress := resources.progress(name)) is not None}
    for name, model in dict(pair).items():
        if not model.config.kind.draws:
            st.caption(words.markdown(f"{name} draws nothing, so there are no pictures of its training."))
        elif name not in stored:
            missing = f"{name} has no pictures of its training (progress.npz); train.py stores them while it trains."
            st.caption(words.markdown(missing))
    if not stored:
        holders = [name for name in resources.available(tuple(FAMILIES))[0] if resources.has_progress(name)]
        st.info(words.markdown(f"Models with stored pictures: {', '.join(holders) or 'none yet'}."))
        return
    epochs = sorted({epoch for progress in stored.values() for epoch in progress.epochs})
    models = [_what(name, model, stored[name]) for name, model in dict(pair).items() if name in stored]
    _draw("epochs", {"epochs": epochs, "epoch": asked, "models": models}, epoch=_moved)
    st.caption(
        "Each model shows its latest stored epoch up to the one chosen. "
        "Space plays and pauses while the bar has the focus."
    )


def _what(name: str, model: "AnyModel", progress: resources.Progress) -> dict:
    """Return what the browser needs of one model: its sheets of pictures, and the loss at each stored epoch."""
    channels, height, width = model.config.image_shape
    head = f"data:image/{'png' if channels == 1 else 'jpeg'};base64,"
    sheets = [
        {"title": TITLES[kind].format(progress.tiles), "source": head + base64.b64encode(sheet).decode()}
        for kind, sheet in progress.sheets.items()
    ]
    losses = [_loss(resources.history(name), epoch) for epoch in progress.epochs]
    size = {"width": width, "height": height, "tiles": progress.tiles}
    return {"name": name, "epochs": progress.epochs, "losses": losses, **size, "sheets": sheets}


def _loss(history: dict[str, np.ndarray], epoch: int) -> str:
    """Return the validation loss after an epoch as text, empty where the history does not say."""
    at = np.flatnonzero(history["epoch"] == epoch) if history else np.array([], int)
    nll, kl = (float(history[column][at[0]]) if len(at) else math.nan for column in ("val_nll", "val_kl"))
    return f"validation {'-elbo' if kl else 'nll'} {nll + kl:.1f}" if math.isfinite(nll + kl) else ""


def _asked() -> int:
    """Return the epoch in the address; -1, for the last, where there is none."""
    epoch = codecs.whole(st.query_params.get("epoch", ""), MOST)
    address.judge("epoch", epoch is not None)
    return -1 if epoch is None else epoch


def _moved(epoch: int) -> None:
    """Keep the epoch in the address, where the browser has already put it."""
    if isinstance(epoch, int):
        link.set_text("epoch", str(epoch))
