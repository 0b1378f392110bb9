"""What many visitors and strangers meet at once; run it with nothing else on the machine.

    python benchmarks/load.py                      # this checkout
    python benchmarks/load.py --against ../before  # and another one, in turn, so that what else runs meets both

Every client asks WANTED times a second, whether answered or not, on at most IN_FLIGHT connections, as a page that is
dragged does; the age is that of what it has on its screen. All clients live in one process beside the server's.
"""

import argparse
import asyncio
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.machine import median_and_p95, table  # noqa: E402
from tests.e2e.serving import running_server  # noqa: E402

WANTED = 30  # pictures a second and client
IN_FLIGHT = 4  # connections of a client
MODEL = "cvae-conv"
SETTLE = 5  # seconds after the start: ui/shell/server.py loads what drawings need a little later
WARM = 1  # seconds that do not count
ABANDONED = 300  # requests of which nobody waits for the answer
CROWD = 60  # clients, who ask five times as often as the server is meant to answer
PAGES = ("", "Explore", "Draw", "Models")


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


@dataclass
class Seen:
    """What clients saw, in milliseconds: how long answers took, how old the picture on the screen was; and refusals."""

    took: list[float] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)
    refused: int = 0


class Client:
    """One visitor, who asks at a steady pace."""

    def __init__(self, host: str, paths: list[str], name: str, seen: Seen) -> None:
        self.host, self.paths, self.name, self.seen = host, cycle(paths), name, seen
        self.free: asyncio.Queue = asyncio.Queue()
        self.newest = 0.0  # when the question of the newest answer was asked

    async def visit(self, begin: float, end: float) -> None:
        """Ask from `begin` to `end`, and look at the screen each time."""
        for _ in range(IN_FLIGHT):
            self.free.put_nowait(await asyncio.open_connection(*self.host.split(":")))
        due, asked = begin, set()
        while due < end:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if self.newest and time.monotonic() > begin + WARM:
                self.seen.ages.append(1000 * (time.monotonic() - self.newest))
            if not self.free.empty():
                task = asyncio.ensure_future(self.ask(next(self.paths), self.free.get_nowait(), begin + WARM))
                asked.add(task)
                task.add_done_callback(asked.discard)
            due += 1 / WANTED
        await asyncio.wait(asked or [asyncio.ensure_future(asyncio.sleep(0))], timeout=5)
        while not self.free.empty():
            self.free.get_nowait()[1].close()

    async def ask(self, path: str, connection: tuple, counts_from: float) -> None:
        """Ask once; count the answer unless it came too early."""
        asked = time.monotonic()
        status = await fetch(connection, self.host, path, self.name)
        now = time.monotonic()
        if status == 200:
            self.newest = max(self.newest, asked)
            if now >= counts_from:
                self.seen.took.append(1000 * (now - asked))
        else:
            self.seen.refused += 1
        self.free.put_nowait(connection)


async def fetch(connection: tuple, host: str, path: str, client: str = "") -> int:
    """Return the status of an answer, once all of it has arrived."""
    reader, writer = connection
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Client: {client}\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    await reader.readexactly(int(head.partition("content-length: ")[2].split()[0]))
    return int(head.split()[1])


async def crowd(host: str, clients: int, paths: list[str], seconds: float) -> Seen:
    """Return what so many clients see in so many seconds."""
    seen, begin = Seen(), time.monotonic() + 0.3
    visits = []
    for i in range(clients):
        own = paths[i % len(paths) :] + paths[: i % len(paths)]
        client, first = Client(host, own, f"client {i}", seen), begin + i / clients / WANTED
        visits.append(client.visit(first, begin + WARM + seconds))
    await asyncio.gather(*visits)
    return seen


async def abandoned(host: str) -> Seen:
    """Return how long one request takes after ABANDONED others whose clients have gone."""
    path = sketches()[-1]
    for _ in range(ABANDONED):
        _, writer = await asyncio.open_connection(*host.split(":"))
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        await writer.drain()
        writer.close()
    begin = time.monotonic()
    await fetch(await asyncio.open_connection(*host.split(":")), host, decodes()[0])
    return Seen([1000 * (time.monotonic() - begin)])


async def pages(host: str, clients: int, seconds: float) -> Seen:
    """Return how long pages take, one after another, while so many clients drag."""
    seen, end = Seen(), time.monotonic() + WARM + seconds
    drags = asyncio.ensure_future(crowd(host, clients, decodes(), seconds)) if clients else None
    await asyncio.sleep(WARM)
    for page in cycle(PAGES):
        if time.monotonic() > end - 0.5:
            break
        seen.took.append(await open_page(host, page))
    if drags:
        await drags
    return seen


async def open_page(host: str, page: str) -> float:
    """Return the milliseconds from a new session until a page has been drawn."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    from websockets.asyncio.client import connect

    begin = time.monotonic()
    asks = BackMsg()
    asks.rerun_script.page_name = page
    async with connect(
        f"ws://{host}/_stcore/stream", origin=f"http://{host}", subprotocols=["streamlit"], max_size=None
    ) as socket:
        await socket.send(asks.SerializeToString())
        async for message in socket:
            if ForwardMsg.FromString(message).WhichOneof("type") == "script_finished":
                break
    return 1000 * (time.monotonic() - begin)


def memory(pid: int) -> Seen:
    """Return the resident memory of a server in MB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return Seen([int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")])


def _run(work: Callable[..., Coroutine], *given) -> Seen:
    return asyncio.run(work(*given))


def measure(root: Path, seconds: float) -> dict[str, Seen]:
    """Start the app of a checkout and return what is seen of each load."""
    loads: dict[str, tuple] = {
        "5 clients, pictures": (crowd, 5, decodes(), seconds),
        "50 clients, pictures": (crowd, 50, decodes(), seconds),
        "20 clients, drawings": (crowd, 20, sketches(), seconds),
        f"one request after {ABANDONED} abandoned": (abandoned,),
        "pages, nobody else": (pages, 0, seconds),
        f"pages, {CROWD} clients besides": (pages, CROWD, seconds),
    }
    spawned = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    with running_server(root) as (address, server), spawned as other:
        time.sleep(SETTLE)
        found = {"memory, MB": memory(server.pid)}
        for what, (work, *given) in loads.items():
            found[what] = other.submit(_run, work, urlsplit(address).netloc, *given).result()
            time.sleep(1)
        return found | {"memory afterwards, MB": memory(server.pid)}


def rows(what: str, rounds: dict[Path, list[Seen]], seconds: float) -> list[tuple[str, ...]]:
    """Return a row for each checkout: answers a second in the median round, and latency and age of all answers."""
    lines = []
    for root, found in rounds.items():
        took, ages = ([value for seen in found for value in getattr(seen, name)] for name in ("took", "ages"))
        rate = f"{statistics.median(len(seen.took) / seconds for seen in found):.0f}" if ages else ""
        refused = f"{sum(seen.refused for seen in found)}" if ages else ""
        latency = median_and_p95(took) if len(took) > 1 else f"{took[0]:.0f}"
        lines.append((what, root.name, rate, latency, median_and_p95(ages) if len(ages) > 1 else "", refused))
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", type=Path, metavar="PATH", help="another checkout, measured in turn with this one")
    parser.add_argument("--seconds", type=float, default=6.0, help="length of each load (default: 6)")
    parser.add_argument("--rounds", type=int, default=3, help="starts of each server (default: 3)")
    args = parser.parse_args()
    roots = [ROOT] if args.against is None else [args.against.resolve(), ROOT]
    results: dict[Path, list[dict[str, Seen]]] = {root: [] for root in roots}
    for _ in range(args.rounds):
        for root in roots:
            results[root].append(measure(root, args.seconds))
    head = ("what", "checkout", "answered a second", "median / p95", "age of the newest, median / p95", "refused")
    body = []
    for what in results[ROOT][0]:
        body += rows(what, {root: [found[what] for found in results[root]] for root in roots}, args.seconds)
    table(f"{MODEL}, {WANTED} questions a second each, {args.rounds} rounds of {args.seconds:g} s", [head, *body])


if __name__ == "__main__":
    main()
