"""How many pictures a second the server gives to many visitors at once; run it with nothing else on the machine.

    python benchmarks/load.py                      # this checkout
    python benchmarks/load.py --against ../before  # and another one, in turn, so that what else runs meets both

Every client keeps its connection and wants WANTED pictures a second, but never asks again before it has its answer.
All clients live in one process beside the server's.
"""

import argparse
import multiprocessing
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from http.client import HTTPConnection
from itertools import cycle
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.machine import median_and_p95, table  # noqa: E402
from tests.e2e.serving import running_app  # noqa: E402

WANTED = 30  # pictures a second and client
MODEL = "cvae-conv"
SETTLE = 5  # seconds after the start: ui/shell/server.py loads what drawings need a little later
WARM = 1  # seconds that do not count


def decodes() -> list[str]:
    """Return paths of pictures along a slider, as Explore asks for them while it is dragged."""
    rest = ",0" * 31
    return [f"/api/decode?model={MODEL}&label=7&z={z:.3f}{rest}" for z in np.linspace(-2, 2, 97)]


def sketches() -> list[str]:
    """Return paths of a drawing that grows, as Draw asks for them while the pen moves."""
    from ui.shell import sketch  # late: the clients need no PyTorch

    ink, paths = np.zeros((sketch.INK, sketch.INK), bool), []
    for row in range(16, 64, 2):
        ink[row : row + 2, 36:44] = True
        paths.append("/api/sketch?" + urlencode({"task": "reconstruct", "model": MODEL, "bits": sketch.pack_bits(ink)}))
    return paths


def visit(host: str, paths: list[str], begin: float, end: float, answers: list[float]) -> None:
    """Ask for path after path from `begin` to `end`; append the milliseconds of each answer after WARM seconds."""
    connection = HTTPConnection(host, timeout=60)
    due = begin
    for path in cycle(paths):
        time.sleep(max(0.0, due - time.monotonic()))
        asked = time.monotonic()
        if asked >= end:
            break
        connection.request("GET", path)
        response = connection.getresponse()
        content, answered = response.read(), time.monotonic()
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {content[:200]!r}")
        if begin + WARM <= answered < end:
            answers.append(1000 * (answered - asked))
        due = max(due + 1 / WANTED, answered)
    connection.close()


def crowd(address: str, clients: int, paths: list[str], seconds: float) -> list[float]:
    """Return the milliseconds of every answer that so many clients get in so many seconds."""
    host, begin, answers = urlsplit(address).netloc, time.monotonic() + 0.2, []
    end = begin + WARM + seconds
    with ThreadPoolExecutor(clients) as pool:
        visits = []
        for i in range(clients):
            first = i % len(paths)
            own = paths[first:] + paths[:first]
            visits.append(pool.submit(visit, host, own, begin + i / clients / WANTED, end, answers))
        for done in visits:
            done.result()
    return answers


def measure(root: Path, loads: dict[str, tuple[int, list[str]]], seconds: float) -> dict[str, list[float]]:
    """Start the app of a checkout and return, for each load, the milliseconds of its answers."""
    with running_app(root) as address, ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        time.sleep(SETTLE)
        return {what: process.submit(crowd, address, *load, seconds).result() for what, load in loads.items()}


def rows(what: str, rounds: dict[Path, list[list[float]]], seconds: float) -> list[tuple[str, ...]]:
    """Return a row for each checkout: answers a second in the median round, and the latency of all answers."""
    lines = []
    for root, answers in rounds.items():
        rate = statistics.median(len(part) / seconds for part in answers)
        lines.append((what, root.name, f"{rate:.0f}", median_and_p95([ms for part in answers for ms in part])))
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", type=Path, metavar="PATH", help="another checkout, measured in turn with this one")
    parser.add_argument("--seconds", type=float, default=6.0, help="length of each load (default: 6)")
    parser.add_argument("--rounds", type=int, default=3, help="starts of each server (default: 3)")
    args = parser.parse_args()
    loads = {
        "5 clients, pictures": (5, decodes()),
        "50 clients, pictures": (50, decodes()),
        "20 clients, drawings": (20, sketches()),
    }
    roots = [ROOT] if args.against is None else [args.against.resolve(), ROOT]
    results = {root: [] for root in roots}
    for _ in range(args.rounds):
        for root in roots:
            results[root].append(measure(root, loads, args.seconds))
    head = ("each wants 30 a second", "checkout", "answers a second", "median / p95")
    body = []
    for what in loads:
        body += rows(what, {root: [answers[what] for answers in results[root]] for root in roots}, args.seconds)
    table(f"{MODEL}, {args.rounds} rounds of {args.seconds:g} s", [head, *body])


if __name__ == "__main__":
    main()
