"""What strangers may not do: reach the app under a name or from a page that is not its own, or load into its pages.

Names that nobody can turn to this machine against its will pass: addresses as numbers, localhost, the name of this
machine and those of two hosts; another needs --server.allowedHosts (Rebinding: https://crypto.stanford.edu/dns/). Once
that names any, these alone lead to the app, and localhost to what watches it: its health and its metrics.
Who may frame the pages says CVAE_FRAMES, in the words of frame-ancestors; without it anybody may, because slides that
are opened from a disk have no name that could be listed, and no page here acts on behalf of whoever is looking at it.
"""

import base64
import hashlib
import ipaddress
import logging
import os
import re
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from streamlit import net_util
from streamlit.web.server.server_util import allow_all_cross_origin_requests, is_allowed_origin
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from ui.shell import controls, frame

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("localhost", "127.0.0.1", "::1")
HOSTS = (".localhost", ".hf.space", ".streamlit.app")  # whose names lead to themselves alone
FOREIGN_NAME = "The app is not served under this name. Whoever runs it allows it by: --server.allowedHosts NAME"
FOREIGN_PAGE = "A page of another site may not ask here; behind a proxy, let it pass the header Host on as it is."
WATCHED = ("/_stcore/health", "/metrics")  # ends of paths
NAME = re.compile(r"\*|(\*\.)?[\w-]+(\.[\w-]+)*\.?|[\da-fA-F:]+")  # of a host, or of all below one
INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_log = logging.getLogger(__name__)


def stay_inside() -> None:
    """Keep Streamlit from asking the internet which address this machine has, as it does for every foreign Origin."""
    net_util.get_external_ip = lambda: None
    net_util.get_internal_ip = lambda: None


def check_settings() -> None:
    """End with one sentence where a setting of who may come in is none."""
    for name in st.get_option("server.allowedHosts"):
        if not NAME.fullmatch(name.strip()):
            need = "one name, such as app.example.com or *.example.com, without http://, port or path"
            raise SystemExit(f"--server.allowedHosts must be {need}, and be repeated for another; got {name!r}.")
    framing = os.environ.get("CVAE_FRAMES", "").strip()
    if not re.fullmatch(r"[\w:/.*' \[\]-]*", framing):
        raise SystemExit(f"CVAE_FRAMES must be a list such as 'self' https://a.example; got {framing!r}.")


def is_own_name(host: str | None, path: str = "") -> bool:
    """Tell whether a header Host names the app, or may ask for this path; one without it was sent by no browser."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").lower().rstrip(".")
    except ValueError:
        return False
    if host is None or (name in LOOPBACK and path.endswith(WATCHED)):
        return True
    if st.get_option("server.allowedHosts"):
        return is_host_allowed(host)
    if name in LOOPBACK:
        return True
    here = socket.gethostname().lower()
    told = st.get_option("browser.serverAddress").lower()
    return name in (here, f"{here}.local", told) or name.endswith(HOSTS) or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        return bool(ipaddress.ip_address(name))
    except ValueError:
        return False


def is_own_page(origin: str | None, host: str | None) -> bool:
    """Tell whether a header Origin, which browsers alone send, names a page of the app."""
    try:
        return origin is None or urlsplit(origin).netloc == host
    except ValueError:
        return False


def is_allowed_page(origin: str | None) -> bool:
    """Tell whether a header Origin names a page of another site that may ask the app."""
    return allow_all_cross_origin_requests() or is_allowed_origin(origin or "")


class Guard:
    """Refuse what comes under a foreign name or from a foreign page, and say with every answer what a page may load."""

    def __init__(self, app: "ASGIApp") -> None:
        self.app, self.headers = app, _headers()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        host, origin = (Headers(scope=scope).get(name) for name in ("Host", "Origin"))
        is_own = is_own_page(origin, host)

        async def answer(message: "Message") -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value.replace("{host}", host or ""))
                if not is_own and is_allowed_page(origin):
                    headers.setdefault("Access-Control-Allow-Origin", str(origin))
                    headers.add_vary_header("Origin")
            await send(message)

        if not is_own_name(host, scope["path"]):
            await _refuse(421, FOREIGN_NAME, scope, receive, answer)
        elif not is_own and not is_allowed_page(origin):
            await _refuse(403, FOREIGN_PAGE, scope, receive, answer)
        else:
            await self.app(scope, receive if scope["type"] == "http" else _bytes_alone(receive, send), answer)


def _bytes_alone(receive: "Receive", send: "Send") -> "Receive":
    """Return a `receive` that ends a websocket at the first text, upon which Streamlit would log a traceback."""

    async def next_message() -> "Message":
        message = await receive()
        if message["type"] != "websocket.receive" or message.get("bytes") is not None:
            return message
        _log.warning("closed a websocket that sent text; Streamlit expects bytes")
        await send({"type": "websocket.close", "code": 1003})
        return {"type": "websocket.disconnect", "code": 1003}

    return next_message


async def _refuse(status: int, why: str, scope: "Scope", receive: "Receive", send: "Send") -> None:
    if scope["type"] == "http":
        await PlainTextResponse(why, status)(scope, receive, send)
        return
    asked = {name: Headers(scope=scope).get(name, "")[:80] for name in ("Host", "Origin")}
    _log.warning("refused a connection: %s %r", why, asked)
    await send({"type": "websocket.close", "code": 1008})


def _headers() -> dict[str, str]:
    """Return the headers of every answer; the host that a browser asked for takes the place of {host}."""
    policy = [
        "default-src 'self'",
        f"script-src 'self' blob: 'wasm-unsafe-eval' {' '.join(map(_hashed, _inline_scripts()))}",
        "style-src 'self' 'unsafe-inline'",  # Streamlit's own, written as it goes
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' data: blob:",
        "connect-src 'self' data: ws://{host} wss://{host}",  # data: a camera's picture; ws: where 'self' means none
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
    ]
    if framing := os.environ.get("CVAE_FRAMES", "").strip():
        policy.append(f"frame-ancestors {framing}")
    return {
        "Content-Security-Policy": "; ".join(policy),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    }


def _inline_scripts() -> list[str]:
    """Return the text of every script that stands in a page itself."""
    texts = [frame.document(), controls.keys()]
    return [script for text in texts for script in INLINE.findall(text)]


def _hashed(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
