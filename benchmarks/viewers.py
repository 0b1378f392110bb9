"""What many viewers who drag at once cost the server, by what their pages really send.

    python benchmarks/viewers.py [--viewers 200] [--seconds 60] [--drag 60]

One page in Chromium opens, loads its model and is dragged; all that it sends is kept. Viewers without a browser then
send the same, each in a session of its own: they open their pages, and after that each lets go once in `--drag`
seconds. The server is watched for `--seconds`. Then other pages are opened in Chromium, as before the viewers came,
while they go on. Run it with nothing else on the machine.
"""

import argparse
import asyncio
import os
import random
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import websockets

from benchmarks.latency import IS_HERE
from benchmarks.machine import table
from tests.e2e.serving import running_app, running_browser, until_shown

PAGE, CONTROL, SHOWN = "/Explore?model=vae-dense-2d", ".pad", ".live[data-shown]"
VISITS = 5
PATIENCE = 120  # seconds that opening takes at most


def recorded(browser, address: str) -> tuple[list[bytes], list[bytes]]:
    """Return what a page sends to open, and what it sends at the end of each of two drags."""
    page, sent = browser.new_page(), []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.goto(address + PAGE)
    page.wait_for_selector(SHOWN)
    page.wait_for_function(IS_HERE)
    page.wait_for_timeout(2000)
    opening = list(sent)
    box = page.locator(CONTROL).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    sent.clear()
    for way in (80, -80):
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + way, y, steps=60)
        page.mouse.up()
        page.wait_for_timeout(2000)
    page.close()
    return opening, list(sent)


async def view(address: str, frames: tuple[list, list], drag: float, begin: float, over: threading.Event) -> int:
    """Open a page and drag on it from `begin` until it is over; return how many messages that took."""
    (opening, ends), told, lot = frames, 0, random.Random(begin)
    there = address.replace("http", "ws", 1) + "/_stcore/stream"
    async with websockets.connect(there, subprotocols=["streamlit"], origin=address, max_size=None) as socket:
        drain = asyncio.ensure_future(_drained(socket))
        for frame in opening:
            await socket.send(frame)
        await rest(max(0.0, begin - time.monotonic()) + lot.uniform(0, drag), over)
        while not over.is_set():
            await socket.send(ends[told % len(ends)])
            told += 1
            await rest(drag, over)
        drain.cancel()
    return told


async def rest(seconds: float, over: threading.Event) -> None:
    """Wait, but no longer than until it is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not over.is_set():
        await asyncio.sleep(min(1.0, max(0.0, end - time.monotonic())))


async def _drained(socket) -> None:
    async for _ in socket:
        pass


async def crowd(address: str, frames: tuple[list[bytes], list[bytes]], args, watched, over) -> dict:
    """Let all viewers open, then drag until it is `over`; return the share of a core and how many messages went.

    `watched` is set once the server has been watched for as long as that is asked for.
    """
    wait = min(PATIENCE, 1 + 0.15 * args.viewers)
    begin, pid = time.monotonic() + wait, server_of(address)
    views = []
    for n in range(args.viewers):
        views.append(asyncio.ensure_future(view(address, frames, args.drag, begin + n * 1e-6, over)))
        await asyncio.sleep(0.9 * wait / args.viewers)
    await asyncio.sleep(max(0.0, begin - time.monotonic()))
    before = used(pid)
    await asyncio.sleep(args.seconds)
    share = (used(pid) - before) / args.seconds
    watched.set()
    return {"share": share, "told": sum(await asyncio.gather(*views))}


def server_of(address: str) -> int:
    """Return the id of the process of ours that serves an address."""
    port = address.rsplit(":", 1)[1].encode()
    for folder in Path("/proc").iterdir():
        try:
            pid = int(folder.name) if folder.name.isdigit() else 0
            if pid and int(fields_of(pid)[1]) == os.getpid() and port in (folder / "cmdline").read_bytes().split(b"\0"):
                return pid
        except OSError:  # it ended meanwhile
            continue
    raise RuntimeError(f"no process serves {address}")


def used(pid: int) -> float:
    """Return the seconds of processor that a process has used."""
    return sum(map(int, fields_of(pid)[11:13])) / os.sysconf("SC_CLK_TCK")


def fields_of(pid: int) -> list[str]:
    """Return what Linux says of a process, from its state on."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()


def visits(browser, address: str, path: str, selector: str) -> list[float]:
    """Return the seconds that each of some visits to a page took until its picture was there."""
    took = []
    for _ in range(VISITS):
        page = browser.new_context().new_page()
        begin = time.monotonic()
        page.goto(address + path)
        until_shown(page, selector)
        took.append(time.monotonic() - begin)
        page.context.close()
    return took


OTHERS = (("Home", "/", SHOWN), ("Models", "/Models", ".zoo tbody tr"))


def main() -> None:
    """Print the tables."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--viewers", type=int, default=200)
    p.add_argument("--seconds", type=float, default=60)
    p.add_argument("--drag", type=float, default=60, help="seconds from one release to the next of a viewer")
    args = p.parse_args()
    with running_app() as address, running_browser() as browser:
        frames, watched, over = recorded(browser, address), threading.Event(), threading.Event()
        idle = [visits(browser, address, path, shown) for _, path, shown in OTHERS]
        with ThreadPoolExecutor(1) as pool:
            work = pool.submit(lambda: asyncio.run(crowd(address, frames, args, watched, over)))
            while not (watched.is_set() or work.done()):
                time.sleep(0.1)
            busy = [visits(browser, address, path, shown) for _, path, shown in OTHERS]
            over.set()
            out = work.result()
    rows = [("viewers, seconds", "messages in all", "server, share of a core", "must reach")]
    rows.append((f"{args.viewers}, {args.seconds:g}", str(out["told"]), f"{out['share']:.1%}", "10 %"))
    table("Viewers who drag", rows)
    rows = [("another page until its picture", "idle, median and worst", "meanwhile", "must reach")]
    for (name, *_), before, now in zip(OTHERS, idle, busy, strict=True):
        shown = [f"{statistics.median(took):.2f} s, {max(took):.2f} s" for took in (before, now)]
        rows.append((name, *shown, "the same"))
    table("Other pages", rows)


if __name__ == "__main__":
    main()
