"""Who waits for a model, whose turn it is, and who is told to come again: every rule, without a clock."""

import asyncio
import json
import re
import threading
from urllib.parse import urlencode

import numpy as np
import pytest
from starlette.applications import Starlette

from cvae import tasks
from tests.app import answer
from ui.shell import api, metrics, sketch
from ui.shell.line import Kind, Limits, Line, Refused, Wish

QUICK, SLOW, OTHER = Kind("quick", "a"), Kind("slow", "a"), Kind("quick", "b")
LIMITS = {"quick": Limits(3, 6), "slow": Limits(1, 4)}
COST = {"quick": 1.0, "slow": 5.0}


class Bench:
    """A line whose workers begin when they are let, and whose clock goes on by COST for each call."""

    def __init__(self, workers: int = 1, most: int = 8) -> None:
        self.calls: list[tuple[Kind, list]] = []
        self.now, self.gate = 0.0, threading.Event()
        self.line = Line(self.work, LIMITS, most, workers, clock=lambda: self.now)

    def work(self, kind: Kind, given: list) -> list:
        self.gate.wait(30)
        self.now += COST[kind.task]
        self.calls.append((kind, given))
        return [ValueError(said) if said == "bad" else f"{said}!" for said in given]

    def wish(self, kind: Kind, said: str, client: str | None = None, address: str = "here") -> asyncio.Task:
        wish = Wish(kind, said, address=address)
        if client:
            wish.client = client
        return asyncio.ensure_future(self.line.answer(wish))

    async def busy(self) -> asyncio.Task:
        """Keep the only worker at work on something, until the gate opens."""
        held = self.wish(SLOW, "first")
        await asyncio.sleep(0)
        return held


def told(outcome) -> str:
    return f"{outcome.status}" if isinstance(outcome, Refused) else str(outcome)


async def outcomes(bench: Bench, *wishes: asyncio.Task) -> list[str]:
    await asyncio.sleep(0)  # until all stand in the line
    bench.gate.set()
    return list(map(told, await asyncio.gather(*wishes, return_exceptions=True)))


def test_what_waits_of_one_kind_is_answered_together_and_each_gets_its_own():
    async def visit() -> list[str]:
        await bench.busy()
        return await outcomes(bench, *(bench.wish(QUICK, said) for said in ("p", "bad", "q", "r")))

    bench = Bench()
    assert asyncio.run(visit()) == ["p!", "bad", "q!", "r!"]
    assert bench.calls[1:] == [(QUICK, ["p", "bad", "q"]), (QUICK, ["r"])]


def test_an_older_wish_is_answered_even_where_the_newer_finds_no_place():
    async def visit() -> list[str]:
        await bench.busy()
        older = bench.wish(QUICK, "q", "a")
        crowd = [bench.wish(SLOW, f"s{i}", address="there") for i in range(4)]
        await asyncio.sleep(0)
        newer = bench.wish(SLOW, "s", "a", address="there")
        return await asyncio.wait_for(outcomes(bench, older, newer, *crowd), 10)

    bench = Bench()
    assert asyncio.run(visit()) == ["429", "503", *(f"s{i}!" for i in range(4))]


def test_the_newer_wish_of_a_client_takes_the_place_of_the_older():
    async def visit() -> list[str]:
        await bench.busy()
        asked = [("a1", "a"), ("b1", "b"), ("c1", "c"), ("d1", "d"), ("a2", "a"), ("b2", "b"), ("a3", "a")]
        return await outcomes(bench, *(bench.wish(QUICK, said, who) for said, who in asked))

    bench = Bench()
    assert asyncio.run(visit()) == ["429", "429", "c1!", "d1!", "429", "b2!", "a3!"]
    assert [given for _, given in bench.calls[1:]] == [["a3", "b2", "c1"], ["d1"]]


def test_a_client_that_wants_another_kind_gives_up_its_place():
    async def visit() -> list[str]:
        await bench.busy()
        return await outcomes(bench, bench.wish(QUICK, "x", "a"), bench.wish(SLOW, "y", "a"))

    bench = Bench()
    assert asyncio.run(visit()) == ["429", "y!"]


def test_who_is_worked_for_may_wait_for_the_next_answer_besides():
    async def visit() -> list[str]:
        first = bench.wish(SLOW, "x", "a")
        await asyncio.sleep(0)
        return await outcomes(bench, first, bench.wish(SLOW, "y", "a"))

    bench = Bench()
    assert asyncio.run(visit()) == ["x!", "y!"]


def test_whoever_has_no_place_is_told_to_come_again():
    async def visit() -> list[str]:
        await bench.busy()
        slow = [bench.wish(SLOW, f"s{i}") for i in range(5)]  # of which four may wait
        quick = [bench.wish(QUICK, f"q{i}") for i in range(5)]  # and eight in all
        return await outcomes(bench, *slow, *quick)

    bench = Bench()
    assert asyncio.run(visit()) == [*(f"s{i}!" for i in range(4)), "503", *(f"q{i}!" for i in range(4)), "503"]


def test_an_address_with_many_places_gives_them_up_to_one_with_few():
    async def visit() -> list[str]:
        await bench.busy()
        many = [bench.wish(QUICK, f"m{i}", address="many") for i in range(6)]
        few = [bench.wish(QUICK, f"f{i}", address="few") for i in range(4)]
        return await outcomes(bench, *many, *few)

    bench = Bench()
    kept, refused = ["m0!", "m1!", "m2!"], ["503"] * 3
    assert asyncio.run(visit()) == [*kept, *refused, "f0!", "f1!", "f2!", "503"]


def test_nothing_is_computed_for_who_has_gone():
    async def visit() -> list[str]:
        await bench.busy()
        here, gone = bench.wish(QUICK, "here"), bench.wish(QUICK, "gone")
        await asyncio.sleep(0)
        gone.cancel()
        return await outcomes(bench, here)

    bench = Bench()
    assert asyncio.run(visit()) == ["here!"]
    assert [given for _, given in bench.calls] == [["first"], ["here"]] and len(bench.line) == 0


def test_kinds_take_turns_by_the_seconds_that_they_have_had():
    async def visit() -> None:
        await bench.busy()
        wishes = [bench.wish(SLOW, f"s{i}") for i in range(3)]
        wishes += [bench.wish(kind, said) for kind in (QUICK, OTHER) for said in "wx"]
        await outcomes(bench, *wishes)
        await asyncio.gather(*(bench.wish(QUICK, said) for said in "y"))

    bench = Bench()
    asyncio.run(visit())
    assert [kind for kind, _ in bench.calls] == [SLOW, QUICK, OTHER, SLOW, SLOW, SLOW, QUICK]
    assert not bench.line._had and not bench.line._working  # nothing is remembered of what nobody asks for


def test_a_quick_kind_waits_for_one_call_of_a_slow_one_however_many_wait_for_it():
    async def visit() -> None:
        held = await bench.busy()
        slow = [bench.wish(SLOW, f"s{i}") for i in range(4)]
        quick = bench.wish(QUICK, "q")
        await outcomes(bench, held, quick, *slow)

    bench = Bench()
    asyncio.run(visit())
    assert [given for _, given in bench.calls[:2]] == [["first"], ["q"]]


def test_a_failure_reaches_all_who_wait_and_nobody_later():
    async def visit() -> list[str]:
        bench.line.work = lambda kind, given: 1 / 0
        failed = await outcomes(bench, *(bench.wish(QUICK, said) for said in "xy"))
        bench.line.work = bench.work
        return failed + await outcomes(bench, bench.wish(QUICK, "z"))

    bench = Bench()
    assert asyncio.run(visit()) == ["division by zero"] * 2 + ["z!"]


def test_as_many_work_at_once_as_there_are_workers():
    async def visit() -> list[str]:
        together, bench.line.work = threading.Barrier(3), lambda kind, given: [together.wait(30)]
        return await asyncio.gather(*(bench.wish(SLOW, str(i)) for i in range(3)))

    bench = Bench(workers=3)
    assert sorted(asyncio.run(visit())) == [0, 1, 2]


PLANE = [{"model": "plane", "z": f"{i / 8},-1"} for i in range(8)]
LABELS = [{"model": "labels", "z": "0" + ",0.5" * 9, "label": label} for label in ("1", "2", "0,3,4", "7")]
DRAWINGS = [sketch.pack_bits(np.roll(np.eye(sketch.INK), 9 * i, 1)) for i in range(4)]
SKETCHES = [{"task": "reconstruct", "model": name, "bits": bits} for name in ("plane", "labels") for bits in DRAWINGS]
POINT = PLANE[0]


async def ask(app: Starlette, path: str, query: dict, who: str = "", hung_up: asyncio.Event | None = None) -> dict:
    """Return status, headers and content of an answer; the connection ends with `hung_up`."""
    heard: dict = {"content": b""}

    async def send(message: dict) -> None:
        if message["type"] == "http.response.start":
            heard.update({"status": message["status"], **{k.decode(): v.decode() for k, v in message["headers"]}})
        heard["content"] += message.get("body", b"")

    async def receive() -> dict:
        await (hung_up or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    headers = [(b"x-client", who.encode())] if who else []
    scope = {"type": "http", "method": "GET", "path": path, "headers": headers, "client": ("192.0.2.1", 1)}
    await app(scope | {"query_string": urlencode(query).encode()}, receive, send)
    return heard


@pytest.fixture
def gate(zoo, monkeypatch):
    """Let the only worker of the routes wait until this is set, and keep how many rows each call of a model gets."""
    gate = threading.Event()
    gate.rows = []

    def counted(call):
        def work(*given):
            gate.rows.append(len(given[1]))
            return call(*given)

        return work

    def work(kind: Kind, given: list) -> list:
        gate.wait(30)
        return api._work(kind, given)

    for name in ("decode", "reconstruct"):
        monkeypatch.setattr(tasks, name, counted(getattr(tasks, name)))
    monkeypatch.setattr(api, "line", Line(work, api.LIMITS, 24, 1, tasks.use_one_core))
    return gate


async def until(happened) -> None:
    while not happened():
        await asyncio.sleep(0.001)


def all_at_once(gate: threading.Event, path: str, queries: list[dict]) -> list[dict]:
    """Return the answers to queries of which none is answered before all but the first are waiting."""

    async def visit() -> list[dict]:
        app = Starlette(routes=api.routes())
        visits = [asyncio.ensure_future(ask(app, path, query)) for query in queries]
        await until(lambda: len(api.line) == len(queries) - 1)
        gate.set()
        return await asyncio.gather(*visits)

    return asyncio.run(visit())


def test_routes_tell_who_was_replaced_who_has_no_place_and_who_has_gone(gate):
    async def visit() -> list[dict]:
        app, hung_up, api.line.most = Starlette(routes=api.routes()), asyncio.Event(), 3
        visits = [asyncio.ensure_future(ask(app, "/api/decode", POINT)) for _ in range(2)]
        visits += [asyncio.ensure_future(ask(app, "/api/decode", POINT, "tab")) for _ in range(2)]
        visits += [asyncio.ensure_future(ask(app, "/api/decode", POINT, hung_up=hung_up)) for _ in range(2)]
        await until(lambda: len(api.line) == 3)
        hung_up.set()
        await until(lambda: len(api.line) == 2)
        gate.set()
        return await asyncio.gather(*visits)

    found = asyncio.run(visit())
    assert [heard["status"] for heard in found] == [200, 200, 429, 200, 408, 503]
    assert all(heard.get("retry-after") == "1" for heard in found if heard["status"] in (429, 503))
    assert sum(gate.rows) == 3  # of the three that were answered


@pytest.mark.parametrize(
    "path, queries, rows",
    [
        ("/api/decode", [PLANE[0], *PLANE, *LABELS], [1, 6, 8]),
        ("/api/sketch", [SKETCHES[0], *SKETCHES], [1, 4, 4]),
    ],
)
def test_what_waits_for_one_model_is_computed_together_and_is_the_same_as_alone(gate, path, queries, rows):
    together = all_at_once(gate, path, queries)
    assert sorted(gate.rows) == rows
    for query, heard in zip(queries, together, strict=True):
        alone = answer(api.decode if path == "/api/decode" else api.answer_sketch, **query)
        pixels = [np.frombuffer(found, np.uint8).astype(int) for found in (heard["content"], alone.body)]
        assert np.abs(pixels[0] - pixels[1]).max() <= 1  # a batch may round otherwise
        scores = [json.loads(found.get("x-about", '{"scores": []}'))["scores"] for found in (heard, alone.headers)]
        np.testing.assert_allclose(*scores, rtol=1e-4)
    assert len({heard["content"] for heard in together}) == len(queries) - 1


def test_what_is_wrong_with_one_request_is_told_to_it_alone(gate):
    wrong = [POINT | {"z": "1"}, POINT, POINT | {"label": "3"}, {"model": "plane"}]
    assert [heard["status"] for heard in all_at_once(gate, "/api/decode", [POINT, *wrong])] == [200, 400, 200, 400, 400]
    wrong = [SKETCHES[1] | {"bits": "?"}, SKETCHES[2], SKETCHES[3] | {"bits": ""}]
    assert [answer(api.answer_sketch, **query).status_code for query in wrong] == [400, 200, 400]
    assert [told if isinstance(told, ValueError) else "" for told in sketch.answer_all(wrong)][1] == ""


def test_who_waits_for_a_model_keeps_nobody_else_waiting(gate):
    async def visit() -> tuple[int, int]:
        app = Starlette(routes=api.routes())
        visits = [asyncio.ensure_future(ask(app, "/api/decode", query)) for query in PLANE * 2]
        await until(lambda: len(api.line) == 15)
        drawn = await ask(app, "/api/map", {"model": "plane"})
        waiting = len(api.line)
        gate.set()
        await asyncio.gather(*visits)
        return drawn["status"], waiting

    assert asyncio.run(visit()) == (200, 15)


@pytest.mark.parametrize("task", ["", "decode", "nothing"])
def test_an_unknown_task_has_no_place_in_the_line(zoo, task):
    app = Starlette(routes=api.routes())
    assert asyncio.run(ask(app, "/api/sketch", {"task": task, "model": "plane"}))["status"] == 400


LINE = re.compile(r'(\w+)(?:\{(\w+="(?:[^"\\\n]|\\.)*"(?:,\w+="(?:[^"\\\n]|\\.)*")*)\})? (-?[\d.]+)')


def figures(text: str) -> dict[tuple[str, str], float]:
    """Return the figures of the text format by name and labels; each family has its help and its type before it."""
    found, families = {}, {}
    for line in text.splitlines():
        if line.startswith("# "):
            families.setdefault(line.split()[2], []).append(line.split()[1])
            continue
        name, labels, value = LINE.fullmatch(line).groups()
        assert re.sub("_(bucket|sum|count)$", "", name) in families or name in families
        found[name, labels or ""] = float(value)
    assert set(map(tuple, families.values())) == {("HELP", "TYPE")}
    return found


def test_metrics_count_requests_and_seconds_by_model(gate, monkeypatch):
    monkeypatch.setattr(metrics, "tally", metrics.Tally())
    gate.set()
    for query in (POINT, POINT, {"model": '"evil\n', "z": "0"}, LABELS[0]):
        answer(api.decode, **query)
    answer(api.answer_sketch, **SKETCHES[0])
    told = figures(answer(api.watched).body.decode())
    assert told["cvae_requests_total", 'task="decode",status="200"'] == 3
    assert told["cvae_requests_total", 'task="decode",status="400"'] == 1
    assert told["cvae_answer_seconds_count", 'task="decode",model="plane"'] == 2
    assert told["cvae_answer_seconds_bucket", 'task="reconstruct",model="plane",le="+Inf"'] == 1
    assert not any("evil" in labels for _, labels in told)
    assert told["cvae_line_workers", ""] == 1 and told["cvae_line_waiting", ""] == told["cvae_line_working", ""] == 0
    assert told.get(("process_resident_memory_bytes", ""), 1e8) > 1e7


def test_a_histogram_counts_what_is_below_each_bound_and_escapes_names():
    tally = metrics.Tally()
    for seconds in (0.005, 0.05, 0.06, 7.0):
        tally.count("decode", 'a "b" \\', 200, seconds)
    told = figures("\n".join(tally.lines()))
    labels = r'task="decode",model="a \"b\" \\"'
    counts = {
        bound: told["cvae_answer_seconds_bucket", f'{labels},le="{bound}"'] for bound in (0.01, 0.05, 0.1, 1.0, "+Inf")
    }
    assert list(counts.values()) == [1, 2, 3, 3, 4]
    assert told["cvae_answer_seconds_sum", labels] == pytest.approx(7.115)
