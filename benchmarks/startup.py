"""How long a visitor waits: `streamlit run app.py` until the server answers, then Home until its picture is there.

Run it with nothing else on the machine: python benchmarks/startup.py
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import percentile, table
from tests.e2e.serving import running_app, running_browser, until_shown

ROUNDS = 7


def measure(browser) -> tuple[float, float]:
    """Return seconds until the server answers and seconds of the first page load, its browser cache empty."""
    begin = time.perf_counter()
    with running_app() as address:
        answered = time.perf_counter()
        page = browser.new_page()
        loading = time.perf_counter()
        page.goto(address)
        until_shown(page, ".live[data-shown]")
        loaded = time.perf_counter()
        page.close()
    return answered - begin, loaded - loading


def main() -> None:
    """Print the table."""
    with running_browser() as browser:
        server, page = zip(*(measure(browser) for _ in range(ROUNDS)), strict=True)
    rows = [("what", "median", "worst", "must reach")]
    rows += [
        (what, f"{percentile(list(values), 0.5):.2f} s", f"{max(values):.2f} s", bar)
        for what, values, bar in (
            ("start until the server answers", server, "2.5 s"),
            ("first page load until its picture", page, "1.5 s"),
        )
    ]
    table(f"{ROUNDS} starts, headless Chromium", rows)


if __name__ == "__main__":
    main()
