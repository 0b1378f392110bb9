"""What an overload and many sessions leave behind; run it with nothing else on the machine.

    python benchmarks/endurance.py overload   # a minute of five times as many questions as the server answers
    python benchmarks/endurance.py sessions   # ten minutes of 200 visitors who go from page to page

All visitors live in one process beside the server's. Memory is what the server has resident, in MB.
"""

import argparse
import asyncio
import multiprocessing
import random
import statistics
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import load
from benchmarks.machine import percentile, table
from tests.e2e.serving import running_server

LOOKS = 4  # times that each page is opened before and after an overload
SETTLED = 180  # seconds after the last session has gone, in which its memory is given back; Streamlit keeps it for 120
PAGES = ("", "Explore", "Generate", "Draw", "Inpaint", "Map", "Faces", "Models")
EVERY = 10  # seconds from one page to the next of a visitor


def megabytes(pid: int) -> float:
    """Return the resident memory of a process."""
    return load.memory(pid).took[0]


def _run(work, *given):
    return asyncio.run(work(*given))


async def overload(host: str, seconds: float) -> tuple[load.Seen, float]:
    """Ask far more than can be answered; return what was seen, and how long after the end the last answer came."""
    begin = time.monotonic()
    seen = await load.crowd(host, load.CROWD, load.decodes(), seconds)
    return seen, time.monotonic() - begin - 0.3 - load.WARM - seconds


async def looks(host: str) -> list[float]:
    """Return the milliseconds of each of LOOKS openings of each page."""
    return [await load.open_page(host, page) for _ in range(LOOKS) for page in load.PAGES]


async def visitor(host: str, number: int, until: float) -> int:
    """Go from page to page in one session; return how many were drawn."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    from websockets.asyncio.client import connect

    lot, drawn = random.Random(number), 0
    await asyncio.sleep(lot.uniform(0, EVERY))
    url, origin = f"ws://{host}/_stcore/stream", f"http://{host}"
    many = {"subprotocols": ["streamlit"], "max_size": None, "open_timeout": 60}
    async with connect(url, origin=origin, **many) as socket:
        while time.monotonic() < until:
            asks, begin = BackMsg(), time.monotonic()
            asks.rerun_script.page_name = lot.choice(PAGES)
            await socket.send(asks.SerializeToString())
            async for message in socket:
                if ForwardMsg.FromString(message).WhichOneof("type") == "script_finished":
                    break
            drawn += 1
            await asyncio.sleep(max(0.0, begin + EVERY - time.monotonic()))
    return drawn


async def visitors(host: str, many: int, seconds: float) -> int:
    """Let so many visitors walk around; return how many pages were drawn."""
    until = time.monotonic() + seconds
    return sum(await asyncio.gather(*(visitor(host, number, until) for number in range(many))))


def sampled(pid: int, work: Future) -> list[float]:
    """Return the memory of a server in each second until the work is done."""
    found = []
    while not work.done():
        found.append(megabytes(pid))
        time.sleep(1)
    return found


def overloaded(host: str, pid: int, other: ProcessPoolExecutor, seconds: float) -> list[tuple[str, ...]]:
    """Return the table of an overload."""
    idle, before = other.submit(_run, looks, host).result(), megabytes(pid)
    work = other.submit(_run, overload, host, seconds)
    held = sampled(pid, work)
    seen, late = work.result()
    time.sleep(max(0.0, 1 - late))
    after = other.submit(_run, looks, host).result()
    third = len(held) // 3
    pages = [f"{statistics.median(took):.0f} ms" for took in (idle, after)]
    memory = [f"{value:.0f}" for value in (before, held[third], held[2 * third], max(held), megabytes(pid))]
    return [
        ("what", "measured", "must reach"),
        (f"answered a second, refused in {seconds:g} s", f"{len(seen.took) / seconds:.0f}, {seen.refused}", ""),
        ("age of the newest picture, p95", f"{percentile(seen.ages, 0.95):.0f} ms", ""),
        ("memory before, after a third, two thirds, at most, afterwards", ", ".join(memory), "flat"),
        ("the last answer after the end", f"{max(0.0, late):.2f} s", "1 s"),
        ("pages when idle, 1 s after the end, median", ", ".join(pages), "the same"),
    ]


def walked(host: str, pid: int, other: ProcessPoolExecutor, many: int, seconds: float) -> list[tuple[str, ...]]:
    """Return the table of many sessions."""
    other.submit(_run, visitors, host, 8, 2 * EVERY).result()  # every page once, so that its models are loaded
    before = megabytes(pid)
    work = other.submit(_run, visitors, host, many, seconds)
    held = sampled(pid, work)
    drawn = work.result()
    half, end = (statistics.median(held[max(0, k - 15) : k + 15]) for k in (len(held) // 2, len(held) - 15))
    time.sleep(SETTLED)
    after = megabytes(pid)
    return [
        ("what", "measured", "must reach"),
        (f"pages drawn for {many} sessions in {seconds:g} s", str(drawn), ""),
        ("memory before, at half time, at the end", f"{before:.0f}, {half:.0f}, {end:.0f}", "no growth after half"),
        ("memory a session", f"{(end - before) / many:.2f}", "1"),
        (f"memory {SETTLED} s after they have gone", f"{after:.0f}", "given back"),
    ]


def main() -> None:
    """Print a table."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=("overload", "sessions"))
    p.add_argument("--seconds", type=float, help="(default: 60 of an overload, 600 of sessions)")
    p.add_argument("--sessions", type=int, default=200)
    args = p.parse_args()
    spawned = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    with running_server() as (address, server), spawned as other:
        host = urlsplit(address).netloc
        time.sleep(load.SETTLE + 10)
        if args.what == "overload":
            table("Overload", overloaded(host, server.pid, other, args.seconds or 60))
        else:
            table("Sessions", walked(host, server.pid, other, args.sessions, args.seconds or 600))


if __name__ == "__main__":
    main()
