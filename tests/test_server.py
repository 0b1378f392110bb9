"""The launcher process, and how it answers many at once."""

import asyncio
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import numpy as np
import pytest
from starlette.applications import Starlette

from cvae import tasks
from tests.app import answer
from tests.conftest import ROOT
from ui.shell import api, server, sketch

SERVE = """
import asyncio, gc, sys
gc.disable()  # as app.py does before it imports
from ui.shell import server
async def main():
    async with server.lifespan(None):
        print(gc.isenabled(), gc.get_freeze_count() > 0, "torch" in sys.modules, "scipy" in sys.modules)
asyncio.run(main())
"""


def test_a_server_that_answers_collects_garbage_again_but_not_what_it_was_started_with():
    found = subprocess.run(
        [sys.executable, "-c", SERVE], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    assert found.stdout.split() == ["True", "True", "True", "False"]  # SciPy comes later, in time for the first drawing


PLANE = [{"model": "plane", "z": f"{i / 8},-1"} for i in range(8)]
LABELS = [{"model": "labels", "z": "0" + ",0.5" * 9, "label": label} for label in ("1", "2", "0,3,4", "7")]
DRAWING = {"task": "reconstruct", "model": "plane", "bits": sketch.pack_bits(np.eye(sketch.INK))}


@pytest.fixture
def calls(zoo, monkeypatch) -> list[tuple[int, int]]:
    """For each call of a model, which takes a while: how many were at work when it began, and the points it decoded."""
    begun, working, lock = [], [0], threading.Lock()

    def slowly(call):
        def work(*given):
            with lock:
                working[0] += 1
                begun.append((working[0], len(given[1])))
            time.sleep(0.02)
            result = call(*given)
            with lock:
                working[0] -= 1
            return result

        return work

    monkeypatch.setattr(tasks, "decode", slowly(tasks.decode))
    monkeypatch.setattr(tasks, "reconstruct", slowly(tasks.reconstruct))
    return begun


def test_one_model_works_at_a_time_whoever_asks(calls):
    asked = [
        (api.decode, PLANE[0]),
        (api.answer_sketch, DRAWING),
        (api.decode, LABELS[0]),
        (api.decode, {"model": "plane"}),
    ] * 4
    with ThreadPoolExecutor(8) as visitors:
        statuses = [response.status_code for response in visitors.map(lambda asks: answer(asks[0], **asks[1]), asked)]
    assert statuses == [200, 200, 200, 400] * 4
    assert {working for working, _ in calls} == {1}


def answers_to_all_who_wait(queries: list[dict]) -> list[np.ndarray]:
    """Return the pixels for each query, where none is answered before all are waiting."""
    gate = threading.Event()
    api._worker.submit(gate.wait, 30)
    with ThreadPoolExecutor(len(queries)) as visitors:
        waiting = [visitors.submit(answer, api.decode, **query) for query in queries]
        for _ in range(5000):
            if len(api._wishes) == len(queries):
                break
            time.sleep(0.002)
        gate.set()
        return [np.frombuffer(response.result().body, np.uint8).astype(int) for response in waiting]


def test_points_that_wait_for_one_model_are_decoded_together_and_each_is_answered(calls):
    queries = [query for pair in zip(PLANE[:4], LABELS, strict=True) for query in pair] + PLANE[4:]
    together = answers_to_all_who_wait(queries)
    # the labels that were asked for, and the points of the plane
    assert sorted(points for _, points in calls) == [6, 8]
    for query, pixels in zip(queries, together, strict=True):
        alone = np.frombuffer(answer(api.decode, **query).body, np.uint8)
        assert np.abs(pixels - alone).max() <= 1  # a batch may round otherwise
    assert len({pixels.tobytes() for pixels in together}) == len(queries)


def test_a_failure_reaches_all_who_wait_and_nobody_later(zoo, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(tasks, "decode", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            answers_to_all_who_wait(PLANE)
    assert answer(api.decode, **PLANE[0]).status_code == 200


def test_who_waits_for_a_model_keeps_nobody_else_waiting(calls):
    decodes = [f"/api/decode?{urlencode(query)}" for query in PLANE * 25]
    assert ask_together([*decodes, "/api/map?model=plane"]).index("/api/map?model=plane") < len(decodes) / 2


def ask_together(addresses: list[str]) -> list[str]:
    """Return addresses in the order in which a server answers them, where all are asked for at the same time."""
    app, answered = Starlette(routes=api.routes()), []

    async def ask(address: str) -> None:
        path, _, query = address.partition("?")
        scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": query.encode()}
        await app(scope, asyncio.Event().wait, ignore)
        answered.append(address)

    async def ignore(message: dict) -> None:
        pass

    async def ask_all() -> None:
        await asyncio.gather(*map(ask, addresses))

    asyncio.run(ask_all())
    return answered


@pytest.mark.parametrize("base", ["", "/demo"])
@pytest.mark.parametrize(
    "typed, leads",
    [
        ("/explore", "Explore?z=AA&view=The+whole+plane"),
        ("/MODELS/", "../Models?z=AA&view=The+whole+plane"),
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
