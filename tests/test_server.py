"""The launcher process."""

import asyncio
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


def test_a_server_that_answers_collects_garbage_again_but_not_what_it_was_started_with():
    found = subprocess.run(
        [sys.executable, "-c", SERVE], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    said = found.stdout.splitlines()
    assert said[0] == "The app is at http://127.0.0.1:8501"
    assert said[1].split() == ["True", "True", "True", "False"]  # SciPy comes later, in time for the first drawing


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
