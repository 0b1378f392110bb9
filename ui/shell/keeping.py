"""A picture that a visitor brings: the session keeps it, the address only if the visitor asks for a link with it."""

import ipaddress
from urllib.parse import urlsplit

import streamlit as st

from ui.shell import link

FORGOTTEN = "it is kept for this visit alone and never stored: loading the page anew forgets it"
HERE = f"The picture does not leave this computer, which runs the app; {FORGOTTEN}."
SENT = "The picture leaves your device for {host}, which runs the app, and goes nowhere else; " + FORGOTTEN + "."
NO_CAMERA = (
    "Browsers open a camera only for https, or on the computer that runs the app; this page came from {address}. "
    "Choose Upload instead, where a phone offers to take a photo, or serve the app over https."
)


def privacy() -> str:
    """Return one sentence on where an uploaded picture goes and how long it is kept."""
    host = urlsplit(st.context.url or "").hostname
    return HERE if host and is_this_machine(host) else SENT.format(host=host or "the server")


def no_camera() -> str:
    """Return why the browser cannot open a camera for this page and what to do; empty where it can."""
    address = urlsplit(st.context.url or "")
    host = address.hostname or ""
    shut = address.scheme == "http" and not is_this_machine(host)
    return NO_CAMERA.format(address=f"http://{host}") if shut else ""


def is_this_machine(host: str) -> bool:
    """Tell whether browsers take a host for the machine that they run on."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def kept(parameter: str, kind: str = "") -> str:
    """Return the picture of this kind as text, empty without one: the session's, at first that of the opened link."""
    if f"{parameter}_opened" not in st.session_state:
        keep(parameter, st.query_params.get(parameter, ""), kind)
    return st.session_state.get(_place(parameter, kind), "")


def keep(parameter: str, text: str, kind: str = "") -> None:
    """Keep a picture as text in the session, in the place of the one before."""
    st.session_state[_place(parameter, kind)] = text
    st.session_state[f"{parameter}_opened"] = True  # what a link brought is not asked for again


def renew(parameter: str) -> None:
    """Note that the visitor brought another picture, or took the one away: no link was asked for with it."""
    link.set_text(parameter, "")


def for_address(parameter: str, text: str) -> str:
    """Let the visitor put the picture into the address; return what belongs there: the picture, or empty text."""
    if not text:
        return ""
    # the address alone tells, so that the browser's way back takes the picture out again
    st.session_state[_switch(parameter)] = parameter in st.query_params
    says, switch = "Put the picture into the link", _switch(parameter)
    if not st.toggle(says, key=switch, on_change=_switched, args=(parameter, text)):
        return ""
    st.caption("The address of this page now carries the picture: whoever gets the link sees it.")
    return text


def _switched(parameter: str, text: str) -> None:
    link.set_text(parameter, text if st.session_state[_switch(parameter)] else "")


def _place(parameter: str, kind: str) -> str:
    return f"{parameter}_kept_{kind}"


def _switch(parameter: str) -> str:
    return f"{parameter}_in_link"
