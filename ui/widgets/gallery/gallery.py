"""Faces to choose from, as buttons."""

import base64
from collections.abc import Callable, Sequence

from torch import Tensor

from ui.shell import images, link
from ui.widgets.bridge import component

_draw = component(__file__, '<div class="gallery" role="group"></div>')


def gallery(
    x: Tensor,
    captions: list[str],
    key: str,
    addresses: list[dict[str, str]],
    columns: int,
    chosen: Sequence[int] = (),
    marks: Sequence[str] = (),
    then: Callable[[], None] | None = None,
    title: str = "",
) -> None:
    """Draw pictures x (N, 3, H, W) as buttons, half as many `columns` on a phone, with their `marks`, if any, below.

    With a `title` they are the main thing of a page: as large as all of them fit, and saved as one picture.

    A press writes the parameters of that face's place in `addresses` into the address, in place as the choice of a tool
    does, and calls then().
    """
    data = {
        "sheet": base64.b64encode(images.strip_jpeg(x)).decode(),
        "captions": captions,
        "addresses": addresses,
        "columns": columns,
        "chosen": list(chosen),
        "marks": list(marks) or [""] * len(captions),
        "title": title,
    }

    def pressed(place: int) -> None:
        if isinstance(place, int) and 0 <= place < len(captions):
            for parameter, text in addresses[place].items():
                link.set_text(parameter, text)  # where the browser has written it already, so that it is no new step
            if then:
                then()

    _draw(key, data, pick=pressed)
