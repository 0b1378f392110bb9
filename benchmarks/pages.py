"""What a visitor sees of each page at once: where the main thing begins, how large it is, what moves, what is loaded.

Run it with nothing else on the machine: python benchmarks/pages.py [PAGE ...]; --moves lists what moved, how much.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import table
from tests.e2e.serving import running_app, running_browser, until_shown

TOP, SHARE, PRESENTED, SHIFT, KILOBYTES = 200, 0.55, 0.70, 0.05, 400
LAPTOP, SMALL_HALL, HALL = (1280, 720), (1280, 720), (1920, 1080)
READY = "[data-testid=stApp][data-test-script-state=notRunning]"
LOADS = 3  # of which the last is judged: the browser has Streamlit's files and the server is warm
STILL = 1500  # ms in which nothing may move after a page is ready
WATCH = """window.moves = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const what = entry.sources.map(({ node, previousRect: a, currentRect: b }) =>
      `${(node?.nodeType === 1 ? node : node?.parentElement)?.className} ${[a.x, a.y, b.x, b.y].map(Math.round)}`);
    window.moves.push([entry.value, what]);
  }
}).observe({ type: "layout-shift", buffered: true });"""
LIVE, IMAGE, STEER = ".live canvas", "[data-testid=stImage] img", ".steer canvas"
PAD, STAGE = ".sketch .pad", ".stage > canvas"
PAGES = {  # name: address, the main thing, its main picture
    "Home": ("/", ".live .control", LIVE),
    "Explore": ("/Explore", ".live .control", LIVE),
    "Explore, sliders": ("/Explore?model=cvae-conv", ".live .control", LIVE),
    "Explore, plane": ("/Explore?view=The+whole+plane", IMAGE, IMAGE),
    "Generate": ("/Generate", IMAGE, IMAGE),
    "Generate, one style": ("/Generate?show=One+style%2C+ten+digits", ".live .pictures", ".live .pictures"),
    "Draw": ("/Draw", PAD, PAD),
    "Draw, denoise": ("/Draw?task=Denoise&source=Generated+digit", ".sketch .pictures", ".sketch .pictures"),
    "Inpaint": ("/Inpaint", PAD, PAD),
    "Map": ("/Map", STAGE, STAGE),
    "Faces": ("/Faces", STEER, STEER),
    "Faces, morph": ("/Faces?tool=Morph", STEER, STEER),
    "Faces, new": ("/Faces?tool=New+faces", ".gallery", ".gallery"),
    "Models": ("/Models", ".zoo", ".zoo"),
    "Models, side by side": ("/Models?view=Side+by+side", ".st-key-pictures", ".st-key-pictures"),
    "Models, learning": ("/Models?view=Watch+it+learn", ".epochs .models", ".epochs .models"),
}


@dataclass
class Seen:
    """What was measured of one page: pixels, shares of the window's height, layout shift and bytes."""

    top: float = 0
    share: float = 0
    presented: list[float] = field(default_factory=list)
    shift: float = 0
    bytes: int = 0
    moves: list = field(default_factory=list)


def opened(browser, address: str, selector: str, size: tuple[int, int], loads: int = 1):
    """Return a page of this size, loaded so many times, and the bytes of ours before the picture of the last time."""
    page = browser.new_page(viewport=dict(zip(("width", "height"), size, strict=True)))
    page.add_init_script(WATCH)
    got = {"bytes": 0}

    def count(amount: int) -> None:
        got["bytes"] += amount

    def finished(request) -> None:
        if "/static/" not in request.url:
            count(request.sizes()["responseBodySize"])

    page.on("requestfinished", finished)
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: count(len(data))))
    for _ in range(loads):
        got["bytes"] = 0
        page.goto("about:blank")
        page.goto(address)
        until_shown(page, selector)
        ours = got["bytes"]
        page.wait_for_selector(READY)
        page.wait_for_timeout(STILL)
    return page, ours


def box(page, selector: str) -> dict:
    """Return the largest box that the selector names: of several pictures, the main one."""
    boxes = [one.bounding_box() for one in page.locator(selector).all() if one.is_visible()]
    return max(boxes, key=lambda each: each["height"])


def in_sight(page, selector: str, height: int) -> float:
    """Return the share of the window's height that the part of a picture within the window takes."""
    found = box(page, selector)
    return (min(height, found["y"] + found["height"]) - max(0, found["y"])) / height


def seen(browser, address: str, main: str, picture: str) -> Seen:
    """Measure one page."""
    found = Seen()
    page, found.bytes = opened(browser, address, main, LAPTOP, LOADS)
    found.top = box(page, main)["y"]
    found.moves = page.evaluate("window.moves")
    found.shift = sum(value for value, _ in found.moves)
    page.close()
    page, _ = opened(browser, address, picture, HALL)
    found.share = in_sight(page, picture, HALL[1])
    page.close()
    for size in (SMALL_HALL, HALL):
        page, _ = opened(browser, address + ("&" if "?" in address else "?") + "present=1", picture, size)
        found.presented.append(in_sight(page, picture, size[1]))
        page.close()
    return found


def main(arguments: list[str]) -> None:
    """Print the table."""
    sizes = f"top (at most {TOP} px)", f"share at 1080p ({SHARE:.0%})", f"presented, 720p / 1080p ({PRESENTED:.0%})"
    rows = [("page", *sizes, f"layout shift ({SHIFT})", f"our bytes ({KILOBYTES} kB)")]
    with running_app() as server, running_browser() as browser:
        for name, (path, thing, picture) in PAGES.items():
            if [each for each in arguments if each != "--moves"] and name not in arguments:
                continue
            found = seen(browser, server + path, thing, picture)
            presented = " / ".join(f"{share:.0%}" for share in found.presented)
            sizes = f"{found.top:.0f} px", f"{found.share:.0%}", presented
            rows.append((name, *sizes, f"{found.shift:.3f}", f"{found.bytes / 1000:.0f} kB"))
            if "--moves" in arguments:
                for value, what in found.moves:
                    print(name, f"{value:.3f}", *what, sep="\n    ")
    table("Pages at once, headless Chromium, 1280x720 where no size is named", rows)


if __name__ == "__main__":
    main(sys.argv[1:])
