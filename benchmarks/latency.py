"""How fast pictures follow the hand, in headless Chromium.

Run it with nothing else on the machine: python benchmarks/latency.py
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import median_and_p95, table
from tests.e2e.serving import running_app, running_browser

SECONDS, PRESSES = 6, 40
SHOWN = ".live[data-shown], .steer[data-shown], [data-testid=stImage] img, .pad"
# A drag: the moment of every pointer move, of every request and of every picture on a canvas.
# A press: from the key or the release to the first frame that has the new picture.
PROBE = """
const log = window.probe = {moves: [], requests: [], draws: [], answers: [], told: 0};
let pressed = null, held = 0, frame = null;
const now = () => performance.now();
addEventListener("pointerdown", () => { held = 1; }, true);
addEventListener("pointermove", () => { if (held) log.moves.push(now()); }, true);
addEventListener("pointerup", () => { held = 0; pressed = log.released = now(); }, true);
addEventListener("keydown", () => { pressed = now(); }, true);
const answered = () => {
  if (pressed === null) return;
  const begin = pressed;
  pressed = null;
  requestAnimationFrame(() => { log.answers.push(now() - begin); });
};
const fetched = window.fetch;
window.fetch = (...rest) => {
  if (/\\/api\\/(?!program|kept)/.test(rest[0])) log.requests.push(now()); // not what a page loads to decode itself
  return fetched(...rest);
};
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (...rest) { log.told++; return send.apply(this, rest); };
const put = CanvasRenderingContext2D.prototype.putImageData;
CanvasRenderingContext2D.prototype.putImageData = function (...rest) {
  put.apply(this, rest);
  if (!this.canvas.isConnected) return; // a part of a strip
  if (frame === document.timeline.currentTime) log.draws.pop(); // several canvases in one frame are one picture
  frame = document.timeline.currentTime;
  log.draws.push(now());
  if (window.canvasAnswers) answered();
};
const draw = CanvasRenderingContext2D.prototype.drawImage;
CanvasRenderingContext2D.prototype.drawImage = function (...rest) { // onto a strip
  draw.apply(this, rest);
  if (!window.canvasAnswers) answered();
};
const seen = (image) => image.decode().then(answered, () => {});
addEventListener("DOMContentLoaded", () => new MutationObserver((changes) => {
  if (window.canvasAnswers) return;
  for (const change of changes) {
    const target = change.target;
    if (change.type === "attributes" && target.tagName === "IMG") seen(target);
    for (const node of change.addedNodes) node.querySelectorAll?.("img").forEach(seen);
  }
}).observe(document, {subtree: true, childList: true, attributes: true, attributeFilter: ["src"]}));
"""
IS_HERE = "() => [...(window.__localModels ?? new Map()).values()].some((entry) => entry.model)"


def open_page(browser, address: str, path: str, route: bool = True, here: bool = False, shown: str = SHOWN):
    """Return a page with the probe, shown and at rest; without `route`, /api/decode does not exist for it.

    With `here` it has loaded its model and decodes by itself; else the server decodes for it.
    """
    page = browser.new_page()
    page.add_init_script(PROBE)
    if not here:
        page.route("**/api/program*", lambda asked: asked.abort())
    if not route:
        page.add_init_script("window.canvasAnswers = true")
        page.route("**/api/decode*", lambda asked: asked.fulfill(status=404))
    page.goto(address + path)
    page.wait_for_selector(shown)
    if here:
        page.wait_for_function(IS_HERE)
    page.wait_for_timeout(1500)
    return page


def open_temperature(browser, address: str):
    """Return the page of samples with its folded controls open."""
    page = open_page(browser, address, "/Generate")
    page.get_by_role("button", name="More").click()
    page.wait_for_timeout(500)
    return page


def drag(page, selector: str) -> tuple[float, list[float]]:
    """Drag to and fro and close the page; return pictures per second and the milliseconds from move to picture."""
    log = pull(page, selector, SECONDS)
    page.close()
    return rate_and_trips(log)


def pull(page, selector: str, seconds: float) -> dict:
    """Drag to and fro for so many seconds; return what the probe logged until the release."""
    page.locator(selector).first.scroll_into_view_if_needed()
    box = page.locator(selector).first.bounding_box()
    x, y, reach = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["width"] * 0.4
    page.mouse.move(x, y)
    page.mouse.down()
    page.wait_for_timeout(500)  # the press itself is answered before the count begins
    page.evaluate("probe.moves.length = probe.requests.length = probe.draws.length = probe.told = 0")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        page.mouse.move(x + reach, y, steps=60)
        page.mouse.move(x - reach, y, steps=60)
    log = page.evaluate("probe")
    page.mouse.up()
    return log


def rate_and_trips(log: dict) -> tuple[float, list[float]]:
    """Return pictures per second and the milliseconds from each move to its picture."""
    # one request at a time: the n-th picture answers the n-th request; without requests the next one answers a move
    pairs = list(zip(log["requests"] or log["draws"], log["draws"], strict=False))
    trips, k = [], 0
    for move in log["moves"]:
        while k < len(pairs) and pairs[k][0] < move:
            k += 1
        if k < len(pairs):
            trips.append(pairs[k][1] - move)
    return 1000 * (len(pairs) - 1) / (pairs[-1][1] - pairs[0][1]), trips


def press(page, selector: str, keys: tuple[str, str]) -> list[float]:
    """Press the two keys in turn on the control; return the milliseconds from each press to its picture."""
    page.locator(selector).first.focus()
    for i in range(PRESSES):
        page.keyboard.press(keys[i % 2])
        page.wait_for_timeout(250)
    answers = page.evaluate("probe.answers")
    page.close()
    return answers


def release(page, selector: str) -> list[float]:
    """Move a slider and let go; return the milliseconds from each release to the new picture from the server."""
    box = page.locator(selector).first.bounding_box()
    for i in range(PRESSES):
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * (0.3 + 0.4 * (i % 2)), box["y"] + box["height"] / 2, steps=4)
        page.mouse.up()
        page.wait_for_timeout(300)
    answers = page.evaluate("probe.answers")
    page.close()
    return answers


def main() -> None:
    """Print the tables."""
    plane, flagship = "/Explore?model=vae-dense-2d", "/Explore?model=cvae-conv"
    arrows, slider = ("ArrowRight", "ArrowLeft"), "input[type=range]"
    rows = [("what", "pictures per second", "median / p95", "must reach")]
    with running_app() as address, running_browser() as browser:
        for what, path, control in (("pad, vae-dense-2d", plane, ".pad"), ("slider, cvae-conv", flagship, slider)):
            rate, trips = drag(open_page(browser, address, path), control)
            said = f"drag: move to pixels by the server, {what}"
            rows.append((said, f"{rate:.1f}", median_and_p95(trips), "55 per s, 16.7 ms"))
        server = {
            "key press to picture, pixels sent by Python": press(
                open_page(browser, address, plane, route=False), ".pad", arrows
            ),
            "key press on a slider of cvae-conv, the same": press(
                open_page(browser, address, flagship, route=False), slider, arrows
            ),
            "slider release to new traversals, cvae-conv": release(open_page(browser, address, flagship), slider),
            "temperature key press to 50 new digits": press(
                open_temperature(browser, address), "input[aria-label=Temperature]", arrows
            ),
        }
    rows += [(f"server: {what}", "", median_and_p95(times), "80 ms") for what, times in server.items()]
    table("Headless Chromium, same machine", rows)


if __name__ == "__main__":
    main()
