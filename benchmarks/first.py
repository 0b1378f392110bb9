"""How long each page takes until its first picture, the browser's cache empty.

    python benchmarks/first.py [PAGE ...]                # this checkout; with nothing else on the machine
    python benchmarks/first.py --against ../before       # and another one, in turn, so that what else runs meets both
"""

import argparse
import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import table
from benchmarks.pages import LAPTOP, PAGES
from tests.e2e.serving import ROOT, running_app, running_browser, until_shown

PATIENCE = 10  # seconds that a page may take


def seconds(browser, address: str, picture: str) -> float:
    """Return how long a page takes in a browser that has never seen it."""
    context = browser.new_context(viewport=dict(zip(("width", "height"), LAPTOP, strict=True)))
    page = context.new_page()
    begin = time.perf_counter()
    page.goto(address)
    until_shown(page, picture, PATIENCE)
    taken = time.perf_counter() - begin
    page.wait_for_timeout(300)  # what it loads after its picture is not to meet the next page
    context.close()
    return taken


def main() -> None:
    """Print the table."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("pages", nargs="*", metavar="PAGE", help=f"of {', '.join(PAGES)} (default: all)")
    p.add_argument("--against", type=Path, metavar="PATH", help="another checkout, measured in turn with this one")
    p.add_argument("--visits", type=int, default=9, help="of each page, after one that warms up (default: 9)")
    args = p.parse_args()
    roots = [ROOT] if args.against is None else [args.against.resolve(), ROOT]
    with ExitStack() as stack:
        browser = stack.enter_context(running_browser())
        servers = [stack.enter_context(running_app(root)) for root in roots]
        time.sleep(15)  # servers warm up after they answer
        rows = [("page", *(root.name for root in roots), "ratio of medians")]
        for name, (path, _, picture) in PAGES.items():
            if args.pages and name not in args.pages:
                continue
            try:
                rounds = range(args.visits + 1)
                visits = [[seconds(browser, server + path, picture) for server in servers] for _ in rounds]
            except TimeoutError:
                rows.append((name, *("" for _ in roots), "not on both"))
                continue
            medians = [statistics.median(each) for each in zip(*visits[1:], strict=True)]
            rows.append((name, *(f"{each:.2f} s" for each in medians), f"{medians[-1] / medians[0]:.2f}"))
    table(f"Until the first picture, median of {args.visits} visits, headless Chromium", rows)


if __name__ == "__main__":
    main()
