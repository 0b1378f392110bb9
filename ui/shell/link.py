"""Points of latent space in the page's address, so that a link shows the same picture.

A point is kept on a lattice of 1/256 within (-8, 8): float16 holds such numbers exactly, so nothing changes on the way
through the address, the browser and back.
"""

import html
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import numpy as np
import streamlit as st
import torch
from streamlit.runtime.scriptrunner import get_script_run_ctx
from torch import Tensor

from ui.shell import address, codecs

if TYPE_CHECKING:
    from cvae.models import LatentModel

LIMIT = 8 - 1 / 256


def base_path() -> str:
    """Return the path below which the server has the app, such as /demo; empty for the top."""
    path = st.get_option("server.baseUrlPath").strip("/")
    return f"/{path}" if path else ""


def seen_path() -> str:
    """Return the path below which a visitor's browser has the app; a proxy may take some of it away before the server.

    Never two slashes in a row: at the start they would lead to another host.
    """
    url, context = st.context.url, get_script_run_ctx()
    if not url or context is None:
        return base_path()
    parts = [part for part in urlsplit(url).path.split("/") if part]
    if parts and parts[-1] in {page.get("url_pathname") for page in context.pages_manager.get_pages().values()}:
        parts.pop()
    return "".join(f"/{part}" for part in parts)


def snap(u: Tensor) -> Tensor:
    """Return u (..., D) moved to the nearest point of the lattice."""
    return (u * 256).round().div(256).clamp(-LIMIT, LIMIT)


def pack(u: Tensor) -> str:
    """Return u (D,) as text for an address: base64url of little-endian float16."""
    return codecs.to_text(u.numpy().astype("<f2").tobytes())


def unpack(text: str, dims: int) -> Tensor | None:
    """Return the point (dims,) that `pack` wrote, or None if the text is anything else."""
    try:
        raw = codecs.from_text(text)
    except ValueError:
        return None
    if len(raw) != 2 * dims:
        return None
    u = np.frombuffer(raw, "<f2").astype(np.float32)
    return snap(torch.from_numpy(u)) if np.isfinite(u).all() else None


def point(parameter: str, default: Tensor) -> Tensor:
    """Return the point (D,) in the address, or `default` (D,) where there is none that fits."""
    u = unpack(st.query_params.get(parameter, ""), len(default))
    address.judge(parameter, u is not None)
    return snap(default) if u is None else u


def centre(model: "LatentModel") -> Tensor:
    """Return the centre of the prior, (D,)."""
    return torch.zeros(model.config.latent_dim)


def set_point(parameter: str, u: Tensor) -> None:
    """Write a point into the address, a new step of the browser's history, unless it stands there already."""
    set_text(parameter, pack(snap(u)))


def set_text(parameter: str, text: str) -> None:
    """Write text into the address, a new step of the browser's history, unless it stands there; empty text leaves."""
    if st.query_params.get(parameter, "") == text:
        return
    if text:
        st.query_params[parameter] = text
    else:
        del st.query_params[parameter]


def onward(page: str, says: str, parameters: dict[str, str]) -> None:
    """Draw a link to another page with these parameters.

    One of Streamlit's own would drop those that a control of this page has too.
    """
    address = html.escape(f"{seen_path()}/{page}?{urlencode(parameters)}")
    style = "color:inherit;display:inline-block;padding:.65rem 0"
    st.html(f'<a href="{address}" target="_self" style="{style}">{html.escape(says)} \u2192</a>', width="content")


def random_point(dims: int, seed: int | None = None) -> Tensor:
    """Return a draw (dims,) from the standard normal, the prior in base coordinates."""
    seed = secrets.randbits(32) if seed is None else seed
    return snap(torch.randn(dims, generator=torch.Generator().manual_seed(seed)))
