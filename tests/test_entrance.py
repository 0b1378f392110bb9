"""Requests for pictures enter a few at a time; pages go ahead of those that wait outside."""

import asyncio
import time

import pytest
import uvicorn
from uvicorn.server import ServerState

from tests.test_guard import Transport
from ui.shell import bounds, entrance

REFUSED = "/api/refused"  # is answered at once


def asks(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


class Crowd:
    """Connections to one server, which notes who asked for which path, in the order in which it was read."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.state = ServerState()
        self.config = uvicorn.Config(self.app, lifespan="off", log_config=None, interface="asgi3")

    async def app(self, scope, receive, send):
        self.read.append(scope["path"])
        if scope["path"] != REFUSED:
            await asyncio.Event().wait()
        await send({"type": "http.response.start", "status": 405, "headers": []})
        await send({"type": "http.response.body"})

    def connection(self) -> entrance.Orderly:
        one, transport = entrance.Orderly(self.config, self.state, {}), Transport()
        transport.protocol = one
        one.connection_made(transport)
        return one

    async def settled(self) -> list[str]:
        for _ in range(30):
            await asyncio.sleep(0)
        for task in self.state.tasks:
            task.cancel()
        return self.read


def test_a_page_goes_ahead_of_those_who_wait_for_pictures():
    async def visit() -> list[str]:
        crowd = Crowd()
        for number in range(40):
            crowd.connection().data_received(asks(f"/demo/api/decode/{number}"))
        crowd.connection().data_received(asks("/demo/Explore"))
        return await crowd.settled()

    read = asyncio.run(visit())
    assert read.index("/demo/Explore") <= entrance.FEW
    assert [path for path in read if "api" in path] == [f"/demo/api/decode/{number}" for number in range(40)]


def test_a_page_asked_for_with_a_question_that_names_a_picture_is_a_page():
    async def visit() -> list[str]:
        crowd = Crowd()
        for number in range(40):
            crowd.connection().data_received(asks(f"/api/{number}"))
        crowd.connection().data_received(asks("/Explore?from=/api/see"))
        return await crowd.settled()

    assert "/Explore" in asyncio.run(visit())[: entrance.FEW + 1]


def test_few_enter_in_one_step_of_the_loop():
    async def visit() -> list[int]:
        crowd, counts = Crowd(), []
        for number in range(10):
            crowd.connection().data_received(asks(f"/api/{number}"))
        for _ in range(6):
            counts.append(len(crowd.state.tasks))
            await asyncio.sleep(0)
        await crowd.settled()
        return counts

    assert asyncio.run(visit())[:4] == [0, entrance.FEW, 2 * entrance.FEW, 10]


def test_nothing_is_read_of_who_has_gone():
    async def visit() -> list[str]:
        crowd = Crowd()
        gone, here = crowd.connection(), crowd.connection()
        gone.data_received(asks("/api/gone"))
        here.data_received(asks("/api/here"))
        gone.transport.abort()
        return await crowd.settled()

    assert asyncio.run(visit()) == ["/api/here"]


@pytest.mark.parametrize("cut", [16, 30, 41])
def test_what_comes_in_parts_is_read_as_a_whole(cut):
    async def visit() -> list[str]:
        crowd, whole = Crowd(), asks("/api/one") + asks("/api/two")
        one = crowd.connection()
        one.data_received(whole[:cut])
        one.data_received(whole[cut:])
        return await crowd.settled()

    assert asyncio.run(visit()) == ["/api/one"]  # the second is for later, as of any pipeline


def test_who_sends_without_end_is_not_listened_to_outside(monkeypatch):
    said = []
    monkeypatch.setattr(Transport, "pause_reading", lambda self: said.append("pause"))
    monkeypatch.setattr(Transport, "resume_reading", lambda self: said.append("resume"))

    async def visit() -> None:
        crowd = Crowd()
        one = crowd.connection()
        one.data_received(b"PUT /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n")
        one.data_received(bytes(entrance.MOST))
        assert said == ["pause"]
        await crowd.settled()

    asyncio.run(visit())
    assert said[:2] == ["pause", "resume"]


def test_who_sends_nonsense_after_an_answer_is_cut_off_and_keeps_nobody_outside():
    told = []

    async def visit() -> tuple[list[str], bool]:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
        crowd = Crowd()
        one = crowd.connection()
        one.data_received(f"PUT {REFUSED} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(9):
            await asyncio.sleep(0)
        one.data_received(b"no length /api/\r\n")
        for number in range(9):
            crowd.connection().data_received(asks(f"/api/{number}"))
        return await crowd.settled(), one.transport.aborted

    assert asyncio.run(visit()) == ([REFUSED, *(f"/api/{number}" for number in range(9))], True)
    assert not told


def test_an_error_of_one_keeps_nobody_outside(monkeypatch):
    told, enter = [], entrance.Orderly.enter

    def fail_once(self):
        if not told:
            raise RuntimeError("broken")
        enter(self)

    monkeypatch.setattr(entrance.Orderly, "enter", fail_once)

    async def visit() -> tuple[list[str], bool]:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(str(context["exception"])))
        crowd = Crowd()
        broken = crowd.connection()
        broken.data_received(asks("/api/broken"))
        for number in range(9):
            crowd.connection().data_received(asks(f"/api/{number}"))
        return await crowd.settled(), broken.transport.aborted

    assert asyncio.run(visit()) == ([f"/api/{number}" for number in range(9)], True)
    assert told == ["broken"]


def test_nobody_is_turned_away_for_having_waited_outside(monkeypatch):
    monkeypatch.setattr(bounds, "PATIENCE", 0.05)

    async def visit() -> list[str]:
        crowd = Crowd()
        for number in range(40):
            crowd.connection().data_received(asks(f"/api/{number}"))
        time.sleep(0.1)  # something else keeps the loop
        return await crowd.settled()

    assert asyncio.run(visit()) == [f"/api/{number}" for number in range(40)]


def test_half_a_request_that_entered_late_is_closed(monkeypatch):
    monkeypatch.setattr(bounds, "PATIENCE", 0.05)

    async def visit() -> list[bool]:
        crowd = Crowd()
        half = [crowd.connection() for _ in range(9)]
        for one in half:
            one.data_received(b"GET /api/x HTTP/1.1\r\nHo")
        time.sleep(0.1)
        for part in range(9):  # none of which makes it whole
            await asyncio.sleep(0.02)
            for one in half:
                one.data_received(b"%d: /api/\r\nHo" % part)
        return [one.transport.aborted for one in half]

    assert all(asyncio.run(visit()))


def test_the_next_request_is_not_closed_with_the_one_before_it(monkeypatch):
    async def visit() -> list[str]:
        crowd = Crowd()
        one = crowd.connection()
        one.data_received(asks(REFUSED))
        for _ in range(9):
            await asyncio.sleep(0)
        one.data_received(asks("/api/next"))
        one.on_response_complete()  # as where it was sent before the answer
        one.timeout_keep_alive_handler()
        return await crowd.settled()

    assert asyncio.run(visit()) == [REFUSED, "/api/next"]
