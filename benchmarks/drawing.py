"""How fast pictures follow the pen and the brush, in headless Chromium.

Run it with nothing else on the machine: python benchmarks/drawing.py
"""

import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.latency import open_page, rate_and_trips
from benchmarks.machine import median_and_p95, table
from tests.e2e.serving import running_app, running_browser

STROKES, WARM = 30, 2
ALL_HERE = "() => [...__localModels.values()].every((entry) => entry.model)"
PAGES = (  # what, path, the text by which Python's slower results are known, what must be reached in the page
    ("reconstruction and reading", "/Draw", "It reads as", "p95 40 ms, 0 requests"),
    ("cleaning", "/Draw?task=Denoise", "", "0 requests"),
    ("eight completions", "/Inpaint", "", "0 requests"),
)


def _on(box: dict[str, float], u: float, v: float) -> tuple[float, float]:
    """Return the place on the screen of a point in [0, 1] x [0, 1] of a box."""
    return box["x"] + u * box["width"], box["y"] + v * box["height"]


def draw(page, i: int) -> float:
    """Draw the i-th stroke and return when it began."""
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
    return begin


def strokes(page, careful: str = "") -> tuple[list[float], list[float], list[float], list[float], int]:
    """Draw STROKES strokes; return what was measured of each.

    That is answers a second while it is drawn; ms from every move of the pen to the next answer; ms from the end of a
    stroke to its answer on the screen; with `careful`, ms from its end until Python's slower results, below an element
    with this text, have changed; and the number of requests in all.
    """
    rates, trips, ends, slow, requests = [], [], [], [], 0
    for i in range(-WARM, STROKES):
        begin = draw(page, i)
        if careful:
            page.get_by_text(careful).wait_for()
            later = page.evaluate("performance.now() - probe.released")
        page.wait_for_timeout(400)
        log = page.evaluate("probe")
        if i < 0:
            continue
        rates.append(1000 * sum(t < log["released"] for t in log["draws"]) / (log["released"] - begin))
        trips += rate_and_trips(log)[1]
        # at worst it takes one frame until the last answer is on the screen
        ends.append(max(0.0, log["draws"][-1] - log["released"]) + 1000 / 60)
        slow += [later] if careful else []
        requests += len(log["requests"])
    page.close()
    return rates, trips, ends, slow, requests


def main() -> None:
    """Print the table."""
    during = "updates a second during a stroke, the slowest stroke"
    rows = [("what", during, "move to answer", "end of a stroke to the answer", "requests", "must reach")]
    with running_app() as address, running_browser() as browser:
        for what, path, careful, aim in PAGES:
            for by in ("the page", "the server"):
                page = open_page(browser, address, path, here=by == "the page", shown=".pad")
                if by == "the page":
                    page.wait_for_function(ALL_HERE)
                rates, trips, ends, slow, requests = strokes(page, careful)
                wanted = aim if by == "the page" else "10 a second, p95 80 ms"
                times = median_and_p95(trips), median_and_p95(ends)
                rows.append((f"{what}, by {by}", f"{min(rates):.1f}", *times, str(requests), wanted))
                if slow:
                    rows.append(("... and the careful one by Python", "", "", median_and_p95(slow), "", ""))
    table(f"{STROKES} strokes, headless Chromium, same machine", rows)


if __name__ == "__main__":
    main()
