"""A map as bytes for the canvas that draws it."""

import numpy as np
import torch
from torch import Tensor

from cvae.maps import LatentMap

OUTLYING = 0.005  # share of the values at either end that do not stretch the colours


def pack(held: LatentMap) -> tuple[bytes, dict]:
    """Return all that the canvas draws as one array after the other, and what is said about them.

    For every layout x and y as uint16, then the labels and every feature as uint8.
    """
    places = [
        np.round(65535 * normalised(xy, xy).numpy()).astype("<u2").T.tobytes() for xy in held.embeddings.values()
    ]
    features, ranges = [], {}
    for name, values in feature_values(held).items():
        low, high = (float(v) for v in values.quantile(torch.tensor([OUTLYING, 1 - OUTLYING])))
        features.append(((values - low) / max(high - low, 1e-6) * 255).clamp(0, 255).round().byte().numpy().tobytes())
        ranges[name] = [f"{low:.3g}", f"{high:.3g}"]
    about = {"count": len(held), "layouts": list(held.embeddings), "features": list(ranges), "ranges": ranges}
    return b"".join([*places, held.labels.byte().numpy().tobytes(), *features]), about


def feature_values(held: LatentMap) -> dict[str, Tensor]:
    """Return what points can be coloured by besides the digit, each (N,)."""
    return {"nll": held.nll, "kl": held.kl, **{f"z{d + 1}": column for d, column in enumerate(held.u.T)}}


def normalised(xy: Tensor, all_xy: Tensor) -> Tensor:
    """Return places xy (..., 2) in the square from 0 to 1 that holds all_xy (N, 2), its proportions kept."""
    low, high = all_xy.min(0).values, all_xy.max(0).values
    return 0.5 + (xy - (low + high) / 2) / (high - low).max()
