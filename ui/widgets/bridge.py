"""How a control of ours reaches the browser: the style and the scripts of its folder, after what all of them share."""

from pathlib import Path

import streamlit as st

SHARED = "shared.js"


def component(module: str, html: str, *scripts: str):
    """Return the component of the folder that `module` (its __file__) lies in, to be mounted with key, data and callbacks.

    Its name is that of the module; NAME.css and NAME.js stand beside it, and `scripts` come before NAME.js.
    """
    path = Path(module)

    def text(name: str) -> str:
        return path.with_name(name).read_text(encoding="utf-8")

    shared = path.parent.with_name(SHARED).read_text(encoding="utf-8")
    js = shared + "".join(map(text, (*scripts, f"{path.stem}.js")))
    return st.components.v2.component(path.stem, html=html, css=text(f"{path.stem}.css"), js=js)
