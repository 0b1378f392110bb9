"""How long the Models page takes until its last picture is there, in headless Chromium.

Run it with nothing else on the machine: python benchmarks/zoo.py
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import percentile, table
from tests.e2e.serving import running_app, running_browser, until_shown

ROUNDS = 9
PAGES = (  # what, path, what is there last, must reach
    ("all models", "/Models", ".zoo tbody tr", "1.5 s"),
    ("side by side", "/Models?view=Side+by+side", "[aria-label^='KL of']", "1.5 s"),
    ("loss curves", "/Models?view=Loss+curves", ".js-plotly-plot .scatterlayer .trace", ""),
    ("model cards", "/Models?view=Model+cards", ".diagram svg", ""),
    ("for comparison Home", "/", ".live[data-shown]", ""),
)


def visit(page, address: str, last: str) -> float:
    """Return the seconds from the request until the last element is there."""
    begin = time.perf_counter()
    page.goto(address)
    until_shown(page, last)
    return time.perf_counter() - begin


def measure(browser, address: str, last: str) -> tuple[list[float], list[float]]:
    """Return the seconds of ROUNDS visits with an empty browser cache, and of a second visit after each."""
    first, again = [], []
    for _ in range(ROUNDS):
        page = browser.new_page()
        first.append(visit(page, address, last))
        page.goto("about:blank")
        again.append(visit(page, address, last))
        page.close()
    return first, again


def main() -> None:
    """Print the table."""
    rows = [("page, until its last picture", "median", "worst", "must reach")]
    with running_browser() as browser, running_app() as address:
        for what, path, last, bar in PAGES:
            caches, measured = ("empty browser cache", "again"), measure(browser, address + path, last)
            for cache, values in zip(caches, measured, strict=True):
                rows.append((f"{what}, {cache}", f"{percentile(values, 0.5):.2f} s", f"{max(values):.2f} s", bar))
    table(f"{ROUNDS} visits, headless Chromium", rows)


if __name__ == "__main__":
    main()
