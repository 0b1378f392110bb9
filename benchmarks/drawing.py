"""How fast pictures follow the pen and the brush, in headless Chromium.

Run it with nothing else on the machine: python benchmarks/drawing.py
"""

import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.latency import open_page
from benchmarks.machine import median_and_p95, table
from tests.e2e.serving import running_app, running_browser

STROKES = 30
PAGES = (  # what, path, pictures of an answer, the text by which Python's slower results are known
    ("reconstruction and reading", "/Draw", 3, "It reads as"),
    ("cleaning", "/Draw?task=Denoise", 4, ""),
    ("eight completions", "/Inpaint", 10, ""),
)


def _on(box: dict[str, float], u: float, v: float) -> tuple[float, float]:
    """Return the place on the screen of a point in [0, 1] x [0, 1] of a box."""
    return box["x"] + u * box["width"], box["y"] + v * box["height"]


def strokes(page, pictures: int, careful: str = "") -> tuple[list[float], list[float], list[float]]:
    """Draw STROKES strokes; return, for each, answers per second, and ms from its end to its answer on the screen.

    An answer is `pictures` drawings on a canvas. With `careful`, the third list has the ms from the end of the stroke
    until Python's slower results, below an element with this text, have changed.
    """
    rates, ends, slow = [], [], []
    for i in range(STROKES):
        page.get_by_role("button", name="Clear").click()
        page.wait_for_timeout(600)
        at = partial(_on, page.locator(".pad").bounding_box())
        page.evaluate("probe.moves.length = probe.requests.length = probe.draws.length = 0")
        page.mouse.move(*at(0.3, 0.25))
        page.mouse.down()
        begin = page.evaluate("performance.now()")
        for u, v in ((0.65, 0.25 + 0.002 * i), (0.5, 0.5), (0.4, 0.8)):
            page.mouse.move(*at(u, v), steps=20)
        page.mouse.up()
        if careful:
            page.get_by_text(careful).wait_for()
            slow.append(page.evaluate("performance.now() - probe.released"))
        page.wait_for_timeout(400)
        log = page.evaluate("probe")
        shown = log["draws"][pictures - 1 :: pictures]
        inside = [t for t in shown if t < log["released"]]
        rates.append(1000 * len(inside) / (log["released"] - begin))
        # the answer to what is drawn in the end, asked before or after the release
        final = shown[len(log["requests"]) - 1]
        ends.append(max(0.0, final - log["released"]) + 1000 / 60)  # at worst one frame until it is on the screen
    page.close()
    return rates, ends, slow


def main() -> None:
    """Print the table."""
    during = "updates per second during a stroke, the slowest stroke"
    rows = [("what", during, "end of a stroke to the answer", "must reach")]
    with running_app() as address, running_browser() as browser:
        for what, path, pictures, careful in PAGES:
            rates, ends, slow = strokes(open_page(browser, address, path), pictures, careful)
            rows.append((what, f"{min(rates):.1f}", median_and_p95(ends), "10 per s, p95 80 ms"))
            if slow:
                rows.append(("... and the careful one by Python", "", median_and_p95(slow), ""))
    table(f"{STROKES} strokes, headless Chromium, same machine", rows)


if __name__ == "__main__":
    main()
