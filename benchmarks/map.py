"""The map: how fast the page answers in headless Chromium, and what t-SNE and search take.

Run it with nothing else on the machine: python benchmarks/map.py
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import median_and_p95, percentile, table
from tests.e2e.serving import running_app, running_browser, until_shown

NAME = "vae-conv"
ROUNDS, HOVERS, QUERIES = 9, 40, 50
K = 8  # neighbours asked for, as on the page
# Both clocks run in the browser: from the pointer event to the frame that follows the new thumbnail or the new panel.
PROBE = """
const log = window.probe = {hovers: [], clicks: []};
let moved = null, pressed = null;
addEventListener("pointermove", () => { moved = performance.now(); }, true);
addEventListener("pointerup", () => { pressed = performance.now(); }, true);
const after = (list, begin) => requestAnimationFrame(() => { list.push(performance.now() - begin); });
const draw = CanvasRenderingContext2D.prototype.drawImage;
CanvasRenderingContext2D.prototype.drawImage = function (...rest) {
  draw.apply(this, rest);
  if (moved !== null && this.canvas.closest(".tip")) { after(log.hovers, moved); moved = null; }
};
addEventListener("DOMContentLoaded", () => new MutationObserver((changes) => {
  const panel = (node) => (node.closest ? node : node.parentElement)?.closest("[data-testid=stHtml]");
  if (pressed === null || !changes.some(({target}) => panel(target))) return;
  after(log.clicks, pressed);
  pressed = null;
}).observe(document, {subtree: true, childList: true, attributes: true, characterData: true}));
"""


def places(page, count: int) -> list[tuple[float, float]]:
    """Return where `count` points of the map that stand apart lie on the screen."""
    from cvae import maps, neighbours
    from ui.shell import points

    xy = maps.load_map(NAME).embeddings["tsne"]
    lonely = neighbours.nearest(xy, xy, 2)[0][:, 1].argsort(descending=True)[:count]
    box = page.locator(".stage > canvas").bounding_box()
    fit = 0.92 * (points.normalised(xy[lonely], xy) - 0.5) + 0.5  # as in ui/widgets/map/state.js
    return [(box["x"] + u * box["width"], box["y"] + (1 - v) * box["height"]) for u, v in fit.tolist()]


def loads(browser, address: str) -> list[float]:
    """Return the seconds of each visit until all points are drawn, the browser's cache empty."""
    times = []
    for _ in range(ROUNDS):
        page = browser.new_page()
        begin = time.perf_counter()
        page.goto(f"{address}/Map?model={NAME}")
        until_shown(page, ".plot[data-points='10000']")
        times.append(time.perf_counter() - begin)
        page.close()
    return times


def pointers(browser, address: str) -> tuple[list[float], list[float]]:
    """Return the milliseconds from a move of the pointer to the thumbnail, and from a click to the new panel."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.add_init_script(PROBE)
    page.goto(f"{address}/Map?model={NAME}")
    page.wait_for_selector(".plot[data-sprites]:not([data-sprites='0'])")
    page.wait_for_timeout(1500)
    page.locator(".stage > canvas").scroll_into_view_if_needed()
    found = places(page, HOVERS)
    for x, y in found:
        page.mouse.move(x, y)
        page.wait_for_timeout(100)
    for x, y in found:
        page.mouse.click(x, y)
        page.wait_for_timeout(400)
    log = page.evaluate("probe")
    page.close()
    return log["hovers"], log["clicks"]


def pins(browser, address: str) -> list[float]:
    """Return the milliseconds from the end of a stroke on the pad until its pin, at a new place each time, is there."""
    page = browser.new_page(viewport={"width": 1280, "height": 1400})
    page.goto(f"{address}/Map?model={NAME}&own=true")
    until_shown(page, ".plot[data-sprites]:not([data-sprites='0'])")
    pad, plot, times, last = page.locator(".pad").bounding_box(), page.locator(".plot"), [], None
    for i in range(ROUNDS):
        page.mouse.move(pad["x"] + (0.3 + 0.04 * i) * pad["width"], pad["y"] + 0.2 * pad["height"])
        page.mouse.down()
        page.mouse.move(pad["x"] + 0.5 * pad["width"], pad["y"] + (0.4 + 0.05 * i) * pad["height"], steps=10)
        page.mouse.up()
        begin = time.perf_counter()
        while (shown := plot.get_attribute("data-mine") or None) == last:
            page.wait_for_timeout(5)
        times.append(1000 * (time.perf_counter() - begin))
        last = shown
        page.wait_for_timeout(300)
    page.close()
    return times


def searches() -> list[tuple[str, list[float], str]]:
    """Return what was searched, the milliseconds of single queries after a first one, and what they must reach."""
    import torch

    from cvae import maps, neighbours

    generator = torch.Generator().manual_seed(0)
    held = maps.load_map(NAME).u
    galleries = (
        (f"10,000 latents of {NAME}", held, "2 ms"),
        ("1,000,000 random vectors of 32", torch.randn(1_000_000, 32, generator=generator), "100 ms"),
    )
    found = []
    for what, gallery, bar in galleries:
        index, times = neighbours.ExactIndex(gallery), []
        for query in torch.randn(QUERIES + 1, gallery.shape[1], generator=generator).split(1):
            begin = time.perf_counter()
            neighbours.nearest(index, query, K)
            times.append(1000 * (time.perf_counter() - begin))
        found.append((what, times[1:], bar))
    return found


def layouts() -> list[tuple[str, float, float]]:
    """Return seconds and trustworthiness of two t-SNEs of the same latents: the map's, and scikit-learn's defaults."""
    import torch
    from sklearn.manifold import TSNE

    from cvae import maps
    from cvae.maps import embeddings

    z = maps.load_map(NAME).u
    makers = (
        ("openTSNE, as evaluate.py --map calls it", lambda: embeddings.tsne(z)),
        ("scikit-learn", lambda: torch.from_numpy(TSNE(random_state=0, n_jobs=-1).fit_transform(z.numpy()))),
    )
    found = []
    for what, make in makers:
        begin = time.perf_counter()
        xy = make()
        found.append((what, time.perf_counter() - begin, embeddings.trustworthiness(z, xy)))
    return found


def main() -> None:
    """Print the tables."""
    with running_app() as address, running_browser() as browser:
        times = loads(browser, address)
        hovers, clicks = pointers(browser, address)
        drawn = pins(browser, address)
    rows = [("what", "measured", "must reach")]
    taken = f"{percentile(times, 0.5):.2f} s, worst {max(times):.2f} s"
    rows.append(("page load until 10,000 points are drawn", taken, "2.0 s"))
    rows.append((f"hover to thumbnail, median / p95 of {len(hovers)}", median_and_p95(hovers), "50 ms"))
    rows.append((f"click to panel, median / p95 of {len(clicks)}", median_and_p95(clicks), "p95 100 ms"))
    rows.append((f"end of a stroke to its pin, median / p95 of {len(drawn)}", median_and_p95(drawn), "1 s"))
    rows += [
        (f"the {K} nearest of {what}, median / p95", median_and_p95(taken), bar) for what, taken, bar in searches()
    ]
    table("Map, headless Chromium", rows)
    rows = [("t-SNE of 10,000 latents", "seconds", "trustworthiness, k=12")]
    table("Layouts", rows + [(what, f"{seconds:.1f}", f"{trust:.4f}") for what, seconds, trust in layouts()])


if __name__ == "__main__":
    main()
