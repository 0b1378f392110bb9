"""JavaScript as browsers get it: without comments, indentation and most line ends, which serve those who read it."""

import re

# A comment has a line to itself, or follows a space and has one after its slashes; no text in quotes looks like that,
# and none goes over several lines (tests/test_browser.py).
_UNREAD = re.compile(r"(?:^|[ \t]+)//(?: .*)?$|^[ \t]+", re.MULTILINE)
_ENDS = re.compile(r"([{;,])\n+|\n+(?=[\n}])")  # of lines, where no statement needs them


def slim(text: str) -> str:
    """Return a script that does the same in fewer characters."""
    return _ENDS.sub(r"\1", _UNREAD.sub("", text)).lstrip("\n")
