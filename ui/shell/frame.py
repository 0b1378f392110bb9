"""The document that Streamlit is loaded into, with what has to be there before its first frame: style and keys."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st
from starlette.responses import HTMLResponse

from ui.shell import controls, link

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

OWN = (
    *(("page.css", "style"), ("present.css", "style")),
    *((name, "script") for name in ("frame.js", "saving.js", "glossary.js")),
)
FRESH = {"Cache-Control": "no-cache"}


class Frame:
    """Answer for each page with Streamlit's document and our style and script in its head.

    What Python sends comes a second later and would move what is already there.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self.app = app
        self.paths = {f"{link.base_path()}/{page}" for page in ("", *controls.page_names())}

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        asks = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        answer = HTMLResponse(document(), headers=FRESH) if asks and scope["path"] in self.paths else self.app
        await answer(scope, receive, send)


@cache
def document() -> str:
    """Return the whole document as HTML."""
    plain = Path(st.__file__).with_name("static").joinpath("index.html").read_text(encoding="utf-8")
    here = Path(__file__)
    own = "".join(f"<{tag}>\n{here.with_name(name).read_text(encoding='utf-8')}</{tag}>\n" for name, tag in OWN)
    head, end, body = plain.partition("</head>")
    return head + own + end + body
