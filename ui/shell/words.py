"""Words that are not the app's own (of a visitor, a file, a checkpoint, a data set) as Markdown that shows just them.

Streamlit reads as Markdown what st.markdown, st.caption, the headings and the coloured boxes show, labels and helps of
widgets, and the options of pills and segmented controls; not what a select box or a text field holds. Words that go
into HTML pass html.escape instead.
"""

import re

JOINER = "\N{WORD JOINER}"  # has no width
# what Markdown, its tables, formulas and directives take for markup; a name such as big_cat stays, also in an address
MARKUP = re.compile(r"[\\`*\[\]$~<>|]|(?<![^\W_])_|_(?![^\W_])|:(?=[\w+-])|&(?=#?\w+;)|^[#+-](?=[\s#+-]|$)")
NUMBERED = re.compile(r"^(\d+)(?=[.)](?:\s|$))")  # as a list is
# what is looked for once more when the backslashes have gone: links, mail, icons and emoji, arrows that stand alone
LOOKED_FOR = re.compile(
    r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)(?=[\w-])|(?<=:)(?=[\w+-]+:|material/)|"
    r"(?<=(?<!\S)[<>~-])(?=(?:->|[>=-])(?!\S))",
    re.IGNORECASE,
)


def explained(word: str) -> str:
    """Return HTML of a word of the field that says what it means when it is pressed, as ui/shell/glossary.js has it."""
    return f'<button type="button" class="word" data-word="{word}">{word}</button>'


def markdown(text: str) -> str:
    """Return one line of Markdown that shows exactly this text, but for its white space, at any place of a line."""
    line = LOOKED_FOR.sub(JOINER, " ".join(text.split()))
    return NUMBERED.sub(r"\1\\", MARKUP.sub(lambda sign: "\\" + sign[0], line))
