"""How fast live controls follow the hand in the app, each model decoded in its page; rows for benchmarks/browser.py."""

from collections.abc import Iterator

from benchmarks.latency import open_page, pull, rate_and_trips
from benchmarks.machine import median_and_p95
from cvae import checkpoints
from tests.e2e.serving import running_app, running_browser

SECONDS = 10
AWAY = 300  # ms of a round trip, 150 each way
LIVE, STEER, PAD, SLIDER = ".live[data-shown]", ".steer[data-shown]", ".pad", "input[type=range]"


def pages(names: list[str]) -> Iterator[tuple[str, str, str, str]]:
    """Yield for each live control of these models what it is, its path, what shows that it is there, what to drag."""
    for name in names:
        config = checkpoints.load_preset(name).model
        if not config.kind.decodes:
            continue
        control = PAD if config.latent_dim == 2 else SLIDER
        if config.image_shape[0] == 3:
            yield f"smile slider, {name}", f"/Faces?model={name}", STEER, SLIDER
        else:
            yield f"{'pad' if control == PAD else 'slider'}, {name}", f"/Explore?model={name}", LIVE, control
        if name == "cvae-conv":
            style = f"/Generate?model={name}&show=One+style%2C+ten+digits"
            yield f"ten digits of one style, {name}", style, LIVE, SLIDER
        if name == "ae-conv-faces":
            yield f"morph, {name}", f"/Faces?model={name}&tool=Morph&who=100&to=200", STEER, SLIDER


def rows(names: list[str]) -> list[tuple[str, ...]]:
    """Return the table of these models: how fast they follow, near and far away, what is sent meanwhile and after."""
    heading = ("drag of 10 s", "a second", "median / p95", f"with {AWAY} ms of round trip", "must reach")
    table = [(*heading, "sent until it ends, then")]
    with running_app() as address, running_browser() as browser:
        for what, path, shown, control in pages(names):
            (rate, trips, sent), far = (measured(browser, address, path, shown, control, away) for away in (0, AWAY))
            distant = f"{far[0]:.1f}; {median_and_p95(far[1])}"
            table.append((what, f"{rate:.1f}", median_and_p95(trips), distant, "59; p95 8 ms", sent))
    return table


def measured(browser, address: str, path: str, shown: str, control: str, away: int) -> tuple[float, list[float], str]:
    """Return pictures a second, milliseconds from move to pixels, and how much was sent during the drag and after."""
    page = open_page(browser, address, path, here=True, shown=shown)
    if away:
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        far = {"offline": False, "latency": away, "downloadThroughput": -1, "uploadThroughput": -1}
        session.send("Network.emulateNetworkConditions", far)
    log = pull(page, control, SECONDS)
    page.wait_for_timeout(2000)
    during, by_now = sent(log), sent(page.evaluate("probe"))
    page.close()
    return *rate_and_trips(log), f"{during}, {by_now - during}"


def sent(log: dict) -> int:
    """Return how many requests and messages went to the server."""
    return len(log["requests"]) + log["told"]
