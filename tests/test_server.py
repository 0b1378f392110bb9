"""The launcher process."""

import asyncio
import platform
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from ui.shell import server

SERVE = """
import asyncio, gc, sys
gc.disable()  # as app.py does before it imports
from types import SimpleNamespace
from ui.shell import server
app = SimpleNamespace(_runtime=SimpleNamespace(_session_mgr=SimpleNamespace()))
async def main():
    async with server.lifespan(app):
        print(gc.isenabled(), gc.get_freeze_count() > 0, "torch" in sys.modules, "scipy" in sys.modules)
asyncio.run(main())
"""


@pytest.mark.slow
def test_a_server_that_answers_collects_garbage_again_but_not_what_it_was_started_with():
    found = subprocess.run(
        [sys.executable, "-c", SERVE], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    said = found.stdout.splitlines()
    assert said[0] == "The app is at http://127.0.0.1:8501"
    assert said[1].split() == ["True", "True", "True", "False"]  # SciPy comes later, in time for the first drawing


HEAPS = """
import ctypes, sys, threading
from ui.shell import bounds
if sys.argv[1] == "shared":
    bounds.share_heaps()
together = threading.Barrier(12)
def allocate():
    together.wait()
    held = [bytearray(5000) for _ in range(100)]
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(12)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
libc = ctypes.CDLL(None)
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is about glibc")
def test_threads_share_two_heaps():
    found = {}
    for how in ("shared", "apart"):
        command = [sys.executable, "-c", HEAPS, how]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
        found[how] = done.stdout.count("<heap nr")
    assert found["shared"] <= 2 < found["apart"]


@pytest.mark.parametrize("base", ["", "/demo"])
@pytest.mark.parametrize(
    "typed, leads",
    [
        ("/explore", "Explore?z=AA&view=The+whole+plane"),
        ("/MODELS/", "../Models?z=AA&view=The+whole+plane"),
        ("/Models/", "../Models?z=AA&view=The+whole+plane"),
        ("/metrics//", "../../metrics?z=AA&view=The+whole+plane"),
        ("/x:y/", "../x:y?z=AA&view=The+whole+plane"),
        ("/component/x/", None),
        ("//host.example/", None),
        ("/Explore", None),
        ("/explorer", None),
        ("/x/explore", None),
        ("/", None),
    ],
)
def test_a_page_is_known_in_any_case(monkeypatch, base, typed, leads):
    monkeypatch.setattr(server.link, "base_path", lambda: base)
    sent = []

    async def send(message):
        sent.append(message)

    async def app(scope, receive, send):
        sent.append("the app")

    scope = {
        "type": "http",
        "method": "GET",
        "path": base + typed,
        "headers": [],
        "query_string": b"z=AA&view=The+whole+plane",
    }
    asyncio.run(server.PageNames(app)(scope, None, send))
    if leads is None:
        assert sent == ["the app"]
    else:
        assert sent[0]["status"] == 307 and dict(sent[0]["headers"])[b"location"] == leads.encode()
