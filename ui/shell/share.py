"""A page taken along: its link, the code of it for a telephone, and the list of links that a talk goes through."""

import io
from urllib.parse import urlencode, urlsplit

import streamlit as st

from ui.shell import address, codecs, keeping, link

OWN = ("present", "step", "talk")  # parameters that are not the page's
TOO_LONG = "talk_too_long"  # in the session, until it is said
CHANGED = "talk_changed"  # in the session, until the whole page has heard of it
LONGEST = 20_000  # bytes of a list of links
PACKED = 6_000  # characters of it in the address, of which servers take some 8,000
HALL = "streamlit run app.py --server.address 0.0.0.0"
BUTTON = '<button type="button" class="own" data-does="{0}" data-says="{1}" title="{2}">{1}</button>'
BESIDE = ("save", "Save", "Save what is shown, as files"), ("present", "Present", "Presentation view (P)")
ABOUT = (
    "Page Down and Page Up, and so a clicker, go through these links, in the presentation view too; P begins that, "
    "Esc ends it. One link a line: edit them, or put them into another order."
)


def buttons() -> None:
    """Draw the buttons beside the heading of a page: what to share, what to save, and the presentation view."""
    _menu()
    st.html(f'<div class="beside">{"".join(BUTTON.format(*about) for about in BESIDE)}</div>', width="content")


@st.fragment
def _menu() -> None:
    if st.session_state.pop(CHANGED, False):
        st.rerun()  # the links to other pages take the list along
    menu = st.popover("Share", on_change="rerun", key="share")
    if not menu.open:
        return
    with menu:
        st.html(BUTTON.format("copy", "Copy link", "Copy the address of what is shown"), width="content")
        _code()
        with st.expander("Links of a talk"):
            _talk()


def _code() -> None:
    """Show the code of the page's address, and how others reach an app that only this machine can."""
    url = f"{st.context.url or ''}?{urlencode(_own_parameters(), doseq=True)}".removesuffix("?")
    if keeping.is_this_machine(urlsplit(url).hostname or ""):
        st.caption("The app listens on this machine only. This opens it to the network of the hall:")
        st.code(HALL, language="bash", wrap_lines=True)
    import segno  # late: nobody needs it before the first press

    out = io.BytesIO()
    try:
        segno.make(url, error="l").save(out, kind="png", scale=6, border=3)
    except segno.DataOverflowError:
        st.caption("This link holds more than a code can.")
        return
    st.image(out.getvalue(), alt="Code of this page's address for a telephone", width=240)


def _talk() -> None:
    """Let the visitor edit the list of links, keep it as a file and bring one."""
    now = links()
    if st.session_state.pop(TOO_LONG, False):
        st.error("The list is longer than an address can be, so it stays as it was; leave out links with pictures.")
    st.session_state["talk_links"] = "\n".join(now)
    st.caption(ABOUT)
    st.text_area("Links", key="talk_links", on_change=_edited, height=160, label_visibility="collapsed")
    with st.container(horizontal=True):
        st.button("Keep this view", on_click=_set, args=([*now, here()],))
        listed, none = "\n".join(now), not now
        st.download_button("Save the list", listed, "talk.txt", "text/plain", disabled=none, on_click="ignore")
    st.file_uploader("A list from a file", ["txt"], key="talk_file", on_change=_brought)


def links() -> list[str]:
    """Return the links of the talk in the address, relative to the app; none where there are none to read."""
    text = st.query_params.get("talk", "")
    try:
        listed = [line for line in codecs.inflate(text, LONGEST).decode().splitlines() if line] if text else []
    except ValueError:
        listed = []
    address.judge("talk", bool(listed))
    return listed


def here() -> str:
    """Return the link of what is shown, relative to the app."""
    page = urlsplit(st.context.url or "").path.rpartition("/")[2]
    query = urlencode(_own_parameters(), doseq=True)
    return f"/{page}" + (f"?{query}" if query else "")


def _own_parameters() -> dict[str, list[str]]:
    return {name: st.query_params.get_all(name) for name in st.query_params if name not in OWN}


def _set(listed: list[str]) -> None:
    text = "\n".join(line.strip() for line in listed if line.strip()).encode()
    packed = codecs.deflate(text) if text else ""
    if len(text) > LONGEST or len(packed) > PACKED:
        st.session_state[TOO_LONG] = True
        return
    link.set_text("talk", packed)
    st.session_state[CHANGED] = True


def _edited() -> None:
    _set(st.session_state["talk_links"].splitlines())


def _brought() -> None:
    if (file := st.session_state["talk_file"]) is not None:
        _set(file.getvalue()[: LONGEST + 1].decode("utf-8", "replace").splitlines())
