"""How a control of ours reaches the browser, and what it sends comes back; ui/widgets/bridge.js is the other end."""

import base64
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from cvae.browser.script import slim

IMPORT = re.compile(r'^import \{[^}]*\} from "([^"]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)


def component(module: str, html: str) -> Callable[..., None]:
    """Return what draws the control of a `module` (its __file__); NAME.css and NAME.js beside it have its name.

    That takes a `key`, the `data` for the browser, and for each name under which the browser sends something a function
    of what was sent. With the data goes the number of the last message that has been received.
    """
    path = Path(module)
    css = path.with_suffix(".css").read_text(encoding="utf-8")
    mount = st.components.v2.component(path.stem, html=html, css=css, js=slim(script(path.with_suffix(".js"))))

    def draw(key: str, data: dict, **actions: Callable) -> None:
        messages = [sent(key, name) for name in actions]
        received = max((each.get("sequence", 0) for each in messages if isinstance(each, dict)), default=0)
        changes: dict[str, Any] = {f"on_{name}_change": partial(_hear, key, name, act) for name, act in actions.items()}
        mount(key=key, data=data | {"sequence": received}, **changes)

    return draw


def script(path: Path, joined: set[Path] | None = None) -> str:
    """Return a module of JavaScript after all that it imports, each once, as one text: Streamlit takes no other.

    All of them share their names at the top, and only the default export stays one.
    """
    joined = set() if joined is None else joined
    joined.add(path)
    text = path.read_text(encoding="utf-8")
    needed = ((path.parent / name).resolve() for name in IMPORT.findall(text))
    before = "".join(script(other, joined) for other in needed if other not in joined)
    return before + EXPORT.sub("", IMPORT.sub("", text))


def sent(key: str, name: str) -> Any:
    """Return what the browser last sent a control under a name; None before it did."""
    return (st.session_state.get(key) or {}).get(name)


def _hear(key: str, name: str, act: Callable) -> None:
    if (message := sent(key, name)) is not None:
        act(message)


def encoded(pixels: np.ndarray) -> str:
    """Return uint8 pixels, row by row, as the text that ui/widgets/codecs.js reads."""
    return base64.b64encode(pixels.tobytes()).decode()
