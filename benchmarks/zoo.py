"""How long the Models page takes until its last picture is there, in headless Chromium.

Run it with nothing else on the machine: python benchmarks/zoo.py
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import percentile, table
from tests.e2e.serving import running_app, running_browser

ROUNDS = 9
VIEWS = (  # view, what is there last
    ("Side by side", "[aria-label^='KL of']"),
    ("Loss curves", ".js-plotly-plot .scatterlayer .trace"),
    ("Model cards", ".diagram svg"),
)


def visit(page, address: str, view: str, last: str) -> float:
    """Return the seconds from the request until the table and the last element of the view are there."""
    begin = time.perf_counter()
    page.goto(f"{address}/Models?view={view.replace(' ', '+')}")
    page.wait_for_selector(".zoo tbody tr")
    page.wait_for_selector(last)
    return time.perf_counter() - begin


def measure(browser, address: str, view: str, last: str) -> tuple[list[float], list[float]]:
    """Return the seconds of ROUNDS visits with an empty browser cache, and of a second visit after each."""
    first, again = [], []
    for _ in range(ROUNDS):
        page = browser.new_page()
        first.append(visit(page, address, view, last))
        page.goto("about:blank")
        again.append(visit(page, address, view, last))
        page.close()
    return first, again


def main() -> None:
    """Print the table."""
    rows = [("Models page, until the last picture", "median", "worst", "must reach")]
    with running_browser() as browser, running_app() as address:
        rows.append(("first visit after the start", f"{visit(browser.new_page(), address, *VIEWS[0]):.2f} s", "", ""))
        for view, last in VIEWS:
            found = zip(("empty cache", "again"), measure(browser, address, view, last), ("1.5 s" if view == "Side by side" else "", ""))
            for what, values, bar in found:
                rows.append((f"{view}, {what}", f"{percentile(values, 0.5):.2f} s", f"{max(values):.2f} s", bar))
    table(f"{ROUNDS} visits, headless Chromium", rows)


if __name__ == "__main__":
    main()
