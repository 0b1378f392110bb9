"""What the launcher process does before the first visitor: load and warm every model, and keep the process quick."""

import asyncio
import gc
import importlib
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
import torch
from starlette.responses import RedirectResponse

from cvae import tasks
from cvae.presets import PRESETS
from ui.shell import bounds, controls, entrance, link, resources

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send
    from streamlit import App

LATER = 3  # seconds after the start, when the first visitor has his page
WARM = 24  # models of a kind, and labels of a model, that are tried before a visitor comes
THREADS = 1  # one picture is too small to share out; tasks.decode shares many out itself


class PageNames:
    """Lead an address such as /explore or /Map/, which someone typed, to what it means, with all that follows.

    Relative to what was typed, which Streamlit's own ways are not: a proxy may have taken a part of the path away.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self.app = app
        self.pages = {page.lower(): page for page in controls.page_names()}

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        path = scope.get("path", "")
        base, _, typed = path.rstrip("/").rpartition("/")
        page, slashes = self.pages.get(typed.lower(), typed), len(path) - len(path.rstrip("/"))
        means_itself = page == typed and not (typed and slashes)
        if scope["type"] != "http" or means_itself or base != link.base_path():
            await self.app(scope, receive, send)
            return
        up = "../" * slashes
        query = scope["query_string"].decode("latin-1")
        await RedirectResponse(f"{up}{page}" + (f"?{query}" if query else ""))(scope, receive, send)


@asynccontextmanager
async def lifespan(app: "App") -> AsyncIterator[dict]:
    """Prepare before the server answers."""
    bounds.share_heaps()
    bounds.close_half_open_connections(entrance.Orderly)
    kept = bounds.forget_sessions(app, bounds.allow_descriptors())
    bounds.hold_few_uploads()
    bounds.tell_in_one_line()
    torch.set_num_threads(THREADS)
    warm_up()
    importlib.import_module("pandas")  # else Streamlit imports it in its first session, for 0.4 s of a visitor's time
    send_at_once()
    gc.freeze()  # what is loaded now lives for ever; later collections need not walk it
    gc.enable()  # again: app.py turned it off
    later = threading.Timer(LATER, warm_up_drawing)
    later.daemon = True
    later.start()
    giving = asyncio.ensure_future(bounds.give_back(kept, bounds.trim))
    print(f"The app is at {address()}", flush=True)
    yield {}
    giving.cancel()
    later.cancel()


def address() -> str:
    """Return where a browser on this machine has the app."""
    listens = st.get_option("server.address") or "0.0.0.0"
    host = "localhost" if listens in ("0.0.0.0", "::") else f"[{listens}]" if ":" in listens else listens
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    return f"{scheme}://{host}:{st.get_option('server.port')}{link.base_path()}"


def warm_up() -> None:
    """Load models and their class maps and decode once, since the first call of a network is slow."""
    for name in _first():
        with suppress(ValueError):  # its page says what is damaged
            model = resources.model(name)
            n_classes = min(model.config.n_classes, WARM)
            tasks.generate(model, torch.arange(n_classes) if n_classes else None, n=1)
            resources.map_png(name)


def warm_up_drawing() -> None:
    """Load what Draw and Inpaint need besides, SciPy above all: in time for them, but not before the first picture."""
    from ui.shell import sketch

    x = sketch.picture({"bits": sketch.pack_bits(np.eye(sketch.INK))})
    for name in _first(("denoising",), resources.is_digit):
        with suppress(ValueError):
            tasks.denoise(resources.model(name, ("denoising",)), x)
    for name in _first(fits=controls.is_measured_face):
        with suppress(ValueError):
            tasks.decode(resources.model(name), resources.space(name).u[: resources.SHOWN])
    for name in _first(resources.COMPLETING, resources.is_digit):
        with suppress(ValueError):
            tasks.inpaint(resources.model(name, resources.COMPLETING), x, x > 0.5)


def _first(
    families: tuple[str, ...] = resources.GENERATIVE, fits: controls.OfModel = lambda model: True
) -> list[str]:
    """Return the names of the models that are warmed up: of hundreds a few, those that pages open with among them."""
    names = [name for name, model in resources.available(families)[0].items() if fits(model)]
    return sorted(names, key=lambda name: name not in PRESETS)[:WARM]


def send_at_once() -> None:
    """Set TCP_NODELAY on the listener: without it each answer waits some 40 ms for the browser's acknowledgement.

    Streamlit offers no access to its socket, so it is looked up among all objects, before gc.freeze hides them.
    """
    for held in gc.get_objects():
        if (
            type(held) is socket.socket
            and held.family in (socket.AF_INET, socket.AF_INET6)
            and held.type == socket.SOCK_STREAM
        ):
            try:
                held.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:  # closed meanwhile
                continue
