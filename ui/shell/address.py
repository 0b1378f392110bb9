"""The page's address: what it holds that means nothing is named in one line and taken out.

Every control calls `judge` or one of its kind before it reads its parameter, every page draws inside `told`. The
address changes in place: st.query_params would make every change a new step of the browser's history, to the dirty
address and back.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ui.shell import codecs, words

# the parameters of controls that Streamlit binds, then those that the pages read themselves
BOUND = frozenset(
    "a along b blur called columns colour count curves denoiser digit_label digits face "  # noqa: SIM905 - words
    "face_seed face_temperature from gaussian hint index into label layout mine noise noise_seed own path pick "
    "pool_find pool_page quantity salt-and-pepper scale seed show side source strokes task temperature to_find to_page "
    "tool view way who_find who_page".split()
)
READ = frozenset(["digit", "epoch", "hole", "ink", "minus", "model", "photo", "plus", "point", "sort", "sort_others"])
READ |= {"new", "present", "shelf", "step", "t", "talk", "to", "who", "z"}
ATTRIBUTE = "a_"  # before the name of an attribute of faces
FOREIGN = re.compile(r"utm_.*|_.*|\w*clid|ref|token")  # of campaigns, of hosts and of proxies: none of our business
SAID = 8  # names in the line
KEY = "address"
_mend = st.components.v2.component(
    KEY,
    js="""export default function ({ data }) {
  const here = new URL(location.href), before = here.search;
  for (const name of data.drop) here.searchParams.delete(name);
  for (const [name, texts] of Object.entries(data.put)) {
    here.searchParams.delete(name);
    for (const text of texts) here.searchParams.append(name, text);
  }
  if (here.search !== before) history.replaceState(history.state, "", here);
}""",
)


@dataclass
class Visit:
    """One visit of a page: what came in its address, and what is to be said of that and changed there."""

    page: str
    first: bool = False  # of the session: someone opened a link
    back: bool = False  # in the browser's history
    arrives: bool = True  # until the page has its model
    unread: set[str] = field(default_factory=set)  # parameters that came and that nothing has judged yet
    ignored: list[str] = field(default_factory=list)  # names of those that mean nothing
    says: list[str] = field(default_factory=list)  # sentences on others, which say more
    dropped: set[str] = field(default_factory=set)
    put: dict[str, tuple[str, ...]] = field(default_factory=dict)


def arrive(page: str) -> None:
    """Note that a page begins; on a new visit, that what its address holds has yet to be judged.

    A link says all that differs from a page's first state: what its controls kept of an earlier visit counts no more.
    """
    ctx, last = get_script_run_ctx(), st.session_state.get(KEY)
    back = bool(ctx and ctx.is_history_navigation)
    if last and last.page == page and not back:
        return
    st.session_state[KEY] = Visit(page, first=last is None, back=back, unread=set(st.query_params))
    if len(st.query_params) and last and not back:
        for name in BOUND & set(st.session_state):
            del st.session_state[name]
    for name in list(st.query_params):
        ours = name in BOUND | READ or name.startswith(ATTRIBUTE)
        judge(name, ours or bool(FOREIGN.fullmatch(name)), read=False)


def visit() -> Visit:
    """Return the present visit."""
    return st.session_state.setdefault(KEY, Visit(""))


def judge(name: str, means: bool, says: str = "", read: bool = True) -> None:
    """Take the parameter of this name, if there is one, out of the address unless it `means` something.

    The visitor is told, by the sentence `says` or with others in one, only of what came with the visit, not of what
    another model made meaningless.
    """
    if name not in st.query_params:
        return
    now = visit()
    if not means:
        if name in now.unread:
            (now.says if says else now.ignored).append(says or name)
        now.dropped.add(name)
        _set(name, None)
    if read or not means:
        now.unread.discard(name)


def choice(name: str, options: Iterable[str], several: bool = False) -> None:
    """Judge a parameter that is one of `options`, or `several` of them, or none."""
    texts, known = st.query_params.get_all(name), set(options)
    right = list(dict.fromkeys(text for text in texts if text in known))[: None if several else 1]
    if right and right != texts:  # the control would take out the others itself, as a new step of the browser's history
        if name in visit().unread:
            visit().ignored.append(name)
            visit().unread.discard(name)
        put(name, *right)
        return
    judge(name, bool(right) or (several and not any(texts)))


def number(name: str, least: float, most: float, whole: bool = False) -> None:
    """Judge a parameter that is a number, or a whole one, from `least` to `most`."""
    text = st.query_params.get(name, "")
    value = codecs.whole(text, int(most) + 1) if whole else codecs.number(text, least, most)
    judge(name, value is not None and value >= least)


def put(name: str, *texts: str) -> None:
    """Write a parameter into the address, once for each text, in the place of what stands there."""
    visit().put[name] = texts
    visit().dropped.discard(name)
    _set(name, list(texts))


def overrule(name: str, chosen: str) -> None:
    """Forget what was put under a name if its control, which writes its own parameter, has another value by now."""
    if visit().put.get(name, (chosen,)) != (chosen,):
        del visit().put[name]


def text(name: str) -> str:
    """Return what the address holds under a name, or will once the browser has taken it over; empty without it."""
    return visit().put.get(name, ("",))[-1] or st.query_params.get(name, "")


def _set(name: str, texts: list[str] | None) -> None:
    """Change what the server knows of the address, and leave the browser's to `told`."""
    if (ctx := get_script_run_ctx()) is None:
        return
    with ctx.session_state.query_params() as held:
        held.discard_param_no_forward_msg(name) if texts is None else held.set_with_no_forward_msg(name, texts)
        if texts and name in held._initial_query_params:  # which a control begins with
            held._initial_query_params[name] = texts
        ctx.query_string = urlencode(held._query_params, doseq=True)


@contextmanager
def told() -> Iterator[None]:
    """Draw, above what is drawn inside, the line on what the address held in vain, and mend the address."""
    place = st.empty()
    try:
        yield
    finally:
        now = visit()
        if line := _line(now):
            place.warning(line)
        if now.dropped or now.put:
            put = {name: list(texts) for name, texts in now.put.items()}
            _mend(key=KEY + "_mended", data={"drop": sorted(now.dropped - set(put)), "put": put})
        now.ignored, now.says, now.dropped = [], [], set()


def _line(now: Visit) -> str:
    """Return what is to be said of the address, as Markdown; empty for nothing."""
    names = list(dict.fromkeys(now.ignored))
    listed = ", ".join(words.markdown(name[:40]) for name in names[:SAID])
    more = f" and {len(names) - SAID} more" if len(names) > SAID else ""
    ending = [f"The address held values that mean nothing here and were left out: {listed}{more}."] if names else []
    return " ".join([*now.says, *ending])
