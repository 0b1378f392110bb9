"""What comes of the nonsense of strangers: python benchmarks/damage.py [--n 2000] [--seed 1]

An app of its own on this machine gets requests, messages of websockets and uploads, each damaged in some way. Counted
are tracebacks, in its log and on its pages, and what takes longer than HANG; its memory is looked at all the time.
Folders of checkpoints are damaged by tests/test_damage.py.
"""

import argparse
import asyncio
import io
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.load import memory  # noqa: E402
from benchmarks.machine import percentile, table  # noqa: E402
from benchmarks.visit import Visit, uploaded  # noqa: E402
from tests.e2e.serving import running_server  # noqa: E402

HANG = 10.0  # seconds
ROUTES = ("decode", "run", "sketch", "map", "points", "sprite", "program", "kept/a/runtime.js", "kept/a/b/program.json")
PLACES = ("/", "/Explore", "/metrics", "/_stcore/health", "/_stcore/host-config", "/_stcore/upload_file/a/b", "/m")
METHODS = ("GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "get", "GE T", "\x00")
KEYS = ("model", "z", "label", "task", "bits", "painter", "hole", "shelf", "seed", "of", "strength", "kind", "n")
NAMES = ("cvae-conv", "vae-dense-2d", "ae-conv-faces", "judge", "..", "a/b", "", "\x00", "ü" * 300, "cvae-conv/")
VALUES = ("0", "-1", "1e999", "nan", "0,0", ",", "7", "[]", "{}", "null", "A" * 4000, "=" * 9, "true", "denoise", "١")
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "PPM")
PAGES = ("", "Explore", "Generate", "Draw", "Inpaint", "Map", "Faces", "Models", "nowhere", "../app", "\x00")


class Seen(Counter):
    """What came of each try; and how long each took, in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.took: list[float] = []

    async def of(self, work: Coroutine[Any, Any, str]) -> None:
        """Count what a try gives, whose end is waited for as long as HANG."""
        begin = time.monotonic()
        try:
            self[await asyncio.wait_for(work, HANG)] += 1
        except TimeoutError:
            self["hang"] += 1
        self.took.append(time.monotonic() - begin)


def spoiled(lot: random.Random, content: bytes) -> bytes:
    """Return bytes of which some are changed, lost, doubled or added."""
    found = bytearray(content)
    for _ in range(lot.randint(1, 4)):
        at, many = lot.randrange(len(found) + 1), lot.choice((1, 1, 2, 8, 64))
        what = lot.randrange(4)
        found[at : at + many * (what != 0)] = (
            b"" if what == 1 else found[at : at + many] * 2 if what == 2 else lot.randbytes(many)
        )
    return bytes(found) if lot.random() > 0.1 else bytes(found[: lot.randrange(len(found) + 1)])


def request(lot: random.Random, host: str) -> bytes:
    """Return a request that is whole, whatever it says."""
    told = {lot.choice(KEYS): lot.choice(NAMES + VALUES) for _ in range(lot.randrange(5))}
    query = "&".join(f"{key}={quote(value) if lot.random() > 0.1 else value}" for key, value in told.items())
    path = f"/api/{lot.choice(ROUTES)}" if lot.random() < 0.7 else lot.choice(PLACES)
    head = f"{lot.choice(METHODS)} {path}{'?' * bool(query)}{query} HTTP/{lot.choice(('1.1', '1.1', '1.0', '9'))}\r\n"
    lines = [f"Host: {host}", lot.choice(("X-Client: " + "a" * 999, "Range: bytes=5-1", "Cookie: =;;", "Accept:"))]
    lines += ["Connection: close"]
    whole = (head + "\r\n".join(lines)).encode("utf-8", "replace")
    if lot.random() < 0.5:
        whole = spoiled(lot, whole).replace(b"\r\n\r\n", b"")
    return whole + b"\r\n\r\n"


async def asked(host: str, sent: bytes) -> str:
    """Return the status of an answer, "closed" where there is none."""
    reader, writer = await asyncio.open_connection(*host.split(":"))
    try:
        writer.write(sent)
        writer.write_eof()
        answer = await reader.read(2**20)
    except ConnectionError:
        return "closed"
    finally:
        writer.close()
    return answer[9:12].decode("latin-1") or "closed"


async def requests(host: str, lot: random.Random, n: int, seen: Seen) -> None:
    """Send n requests, eight at a time."""
    for _ in range(0, n, 8):
        await asyncio.gather(*(seen.of(asked(host, request(lot, host))) for _ in range(8)))


async def messages(host: str, lot: random.Random, n: int, seen: Seen) -> None:
    """Send n messages, in a session that is opened anew where one ended."""
    visit = Visit(host)
    for _ in range(n):
        sent = visit.asking(lot.choice(PAGES), query(lot), widgets(lot))
        await seen.of(visit.said(sent if lot.random() < 0.3 else spoiled(lot, sent)))
    await visit.end()


def query(lot: random.Random) -> str:
    """Return what the address of a page says."""
    told = ((lot.choice((*KEYS, "view", "a", "b", "source", "digit")), lot.choice(NAMES + VALUES)) for _ in range(3))
    return "&".join(f"{key}={quote(value)}" for key, value in told)


def widgets(lot: random.Random) -> dict[str, str | float | bytes | list]:
    """Return what the controls of a page say, of whatever type."""
    values = (lot.choice(VALUES), lot.random() * 1e300, lot.randbytes(9), [lot.randrange(-9, 2**31)], b"", "")
    return {f"$$ID-{lot.randbytes(16).hex()}-{key}": lot.choice(values) for key in lot.sample(KEYS, 3)}


def picture(lot: random.Random) -> bytes:
    """Return a small picture of a stroke in one of FORMATS."""
    mode = lot.choice(("L", "RGB"))
    made = Image.new(mode, (lot.randint(1, 120), lot.randint(1, 120)), "white")
    corners = [lot.randint(0, 120) for _ in range(4)]
    ImageDraw.Draw(made).line(corners, fill="black", width=9)
    out = io.BytesIO()
    made.save(out, lot.choice(FORMATS))
    return out.getvalue()


async def uploads(host: str, lot: random.Random, n: int, seen: Seen) -> None:
    """Upload n files to Draw, in a session that is opened anew where one ended."""
    visit = Visit(host)
    for _ in range(n):
        await seen.of(uploaded(visit, "Draw", "source=Upload", spoiled(lot, picture(lot))))
    await visit.end()


KINDS: dict[str, Callable[[str, random.Random, int, Seen], Coroutine[Any, Any, None]]]
KINDS = {"requests": requests, "messages of websockets": messages, "uploads": uploads}


class Watched:
    """The most memory that a process has, in MB, looked at ten times a second."""

    def __init__(self, pid: int) -> None:
        self.pid, self.most, self.over = pid, 0.0, threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while not self.over.wait(0.1):
            with suppress(OSError, IndexError):  # it has ended
                self.most = max(self.most, memory(self.pid).took[0])


def damage(n: int, seed: int, kinds: tuple[str, ...] = tuple(KINDS)) -> tuple[dict[str, Seen], int, float, str]:
    """Return what came of n tries of each kind, the tracebacks of the log, the most memory in MB, and the log."""
    results = {kind: Seen() for kind in kinds}
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        with running_server(log=log) as (address, server), ThreadPoolExecutor(1) as other:
            watched = Watched(server.pid)
            for kind, seen in results.items():
                tries = KINDS[kind](urlsplit(address).netloc, random.Random(seed), n, seen)
                other.submit(asyncio.run, tries).result()  # a test may have a loop of its own
            watched.over.set()
        log.seek(0)
        said = log.read()
    return results, said.count("Traceback"), watched.most, said


def main() -> None:
    """Print the table."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--n", type=int, default=2000, help="tries of each kind (default: 2000)")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--log", type=Path, help="where to keep what the server said")
    args = p.parse_args()
    results, tracebacks, most, said = damage(args.n, args.seed)
    if args.log:
        args.log.write_text(said, encoding="utf-8")
    rows = [("what", "tries", "answers", "tracebacks on pages", "hangs", "p95, longest")]
    for kind, seen in results.items():
        told = ", ".join(f"{what} {n}" for what, n in seen.most_common() if what not in ("traceback", "hang"))
        longest = f"{percentile(seen.took, 0.95):.2f}, {max(seen.took):.2f} s"
        rows.append((kind, str(seen.total()), told, str(seen["traceback"]), str(seen["hang"]), longest))
    table(f"Tracebacks in the log: {tracebacks}; memory at most: {most:.0f} MB; seed {args.seed}", rows)


if __name__ == "__main__":
    main()
