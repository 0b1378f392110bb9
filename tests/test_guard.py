"""Names and pages of strangers, and what they may hold."""

import asyncio
import logging
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st
import uvicorn
from streamlit import net_util
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager
from streamlit.web.server import server_util
from uvicorn.server import ServerState

from ui.shell import bounds, entrance, guard


@pytest.fixture
def allowed():
    """A function that sets options of Streamlit until the end of a test."""
    before = {name: st.get_option(name) for name in ("server.allowedHosts", "server.corsAllowedOrigins")}
    yield lambda name, value: st.config.set_option(f"server.{name}", value)
    for name, value in before.items():
        st.config.set_option(name, value)


OWN = [
    "127.0.0.1:8501",
    "localhost",
    "LOCALHOST.:80",
    "[::1]:8501",
    "192.0.2.7:8501",
    "a-b.hf.space",
    "x.streamlit.app",
]
STRANGE = [
    "evil.test",
    "evil.test:8501",
    "localhost.evil.test",
    "127.0.0.1.evil.test",
    "hf.space.evil.test",
    "",
    "[",
    "a b",
]


@pytest.mark.parametrize("host", OWN)
def test_names_that_nobody_can_turn_lead_to_the_app(host):
    assert guard.is_own_name(host)


@pytest.mark.parametrize("host", STRANGE)
def test_other_names_do_not(host):
    assert not guard.is_own_name(host)


def test_configured_names_lead_to_the_app_and_others_no_longer(allowed):
    allowed("allowedHosts", ["app.test", "*.many.test"])
    assert all(map(guard.is_own_name, ("app.test", "app.test:443", "a.many.test")))
    assert not any(map(guard.is_own_name, ("192.0.2.7", "x.app.test", "evil.test", "a.hf.space", "127.0.0.1:8501")))
    assert guard.is_own_name("127.0.0.1:8501", "/demo/_stcore/health") and guard.is_own_name("localhost", "/metrics")
    assert not guard.is_own_name("evil.test", "/metrics")


@pytest.mark.parametrize("name", ["a.test,b.test", "http://a.test", "a.test:80", "a.test/demo", ".test", "", "a b"])
def test_a_name_that_is_none_ends_the_start_in_one_sentence(allowed, name):
    allowed("allowedHosts", ["app.test", name])
    with pytest.raises(SystemExit, match="server.allowedHosts must be one name"):
        guard.check_settings()


@pytest.mark.parametrize("name", ["app.test", "*.many.test", "localhost", "::1", "192.0.2.7", "*", "A_b.test."])
def test_names_are_taken_as_streamlit_takes_them(allowed, name):
    allowed("allowedHosts", [name])
    guard.check_settings()


@pytest.mark.parametrize(
    "origin, own",
    [
        (None, True),
        ("http://app.test:8501", True),
        ("https://app.test:8501", True),  # behind a proxy that speaks TLS
        ("http://app.test", False),
        ("http://evil.test", False),
        ("http://localhost:3000", False),
        ("null", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_a_page_of_another_site_is_foreign(origin, own):
    assert guard.is_own_page(origin, "app.test:8501") is own


def test_a_site_may_be_allowed(allowed):
    allowed("corsAllowedOrigins", ["https://deck.test"])
    assert guard.is_allowed_page("https://deck.test") and not guard.is_allowed_page("https://x.test")
    for origin, status, reads in (("https://deck.test", 200, True), ("https://x.test", 403, False)):
        sent = asked("http", Host="localhost", Origin=origin)
        told = dict(sent[0]["headers"])
        assert sent[0]["status"] == status and (told.get(b"access-control-allow-origin") == origin.encode()) is reads


def asked(kind: str, **headers: str) -> list[dict]:
    """Return what a guarded app answers; it says ok to all that reach it."""
    sent = []

    async def app(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"referrer-policy", b"mine")]})

    async def receive():
        return {"type": "websocket.receive", "text": "hello"} if kind == "websocket" else {"type": "http.request"}

    async def send(message):
        sent.append(message)

    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "method": "GET", "path": "/", "headers": raw, "query_string": b""}
    asyncio.run(guard.Guard(app)(scope, receive, send))
    return sent


@pytest.mark.parametrize("headers, status", [({}, 200), ({"Origin": "http://x.test"}, 403), ({"Host": "x.test"}, 421)])
def test_strangers_get_one_line_and_every_answer_says_what_a_page_may_load(headers, status):
    sent = asked("http", **{"Host": "localhost", **headers})
    assert sent[0]["status"] == status and len(sent) == (1 if status == 200 else 2)
    told = dict(sent[0]["headers"])
    assert told[b"x-content-type-options"] == b"nosniff"
    assert told[b"referrer-policy"] == (b"mine" if status == 200 else b"same-origin")
    policy = told[b"content-security-policy"].decode()
    assert "'unsafe-eval'" not in policy and "default-src 'self'" in policy and "frame-ancestors" not in policy
    assert not re.search(r"script-src[^;]*'unsafe-inline'|https?:|\*", policy)


@pytest.mark.parametrize("headers", [{"Origin": "http://x.test"}, {"Host": "x.test"}])
def test_a_stranger_gets_no_websocket(headers, caplog):
    sent = asked("websocket", **{"Host": "localhost", **headers})
    assert sent == [{"type": "websocket.close", "code": 1008}] and len(caplog.records) == 1


def test_a_websocket_that_sends_text_is_closed_in_one_line(caplog):
    assert asked("websocket", Host="localhost")[0] == {"type": "websocket.close", "code": 1003}
    assert len(caplog.records) == 1 and not caplog.records[0].exc_info


def test_who_may_frame_the_pages_can_be_said(monkeypatch):
    monkeypatch.setenv("CVAE_FRAMES", "'self' https://deck.test")
    assert guard._headers()["Content-Security-Policy"].endswith("; frame-ancestors 'self' https://deck.test")
    monkeypatch.setenv("CVAE_FRAMES", "'self'; script-src *")
    with pytest.raises(SystemExit, match="CVAE_FRAMES must be a list"):
        guard.check_settings()


def test_no_origin_makes_streamlit_ask_the_internet(monkeypatch):
    tried = []
    sys.addaudithook(
        lambda event, what: tried.append(what) if event in ("socket.connect", "socket.getaddrinfo") else None
    )
    for name in ("get_external_ip", "get_internal_ip"):
        monkeypatch.setattr(net_util, name, getattr(net_util, name))  # put back afterwards
    guard.stay_inside()
    assert not server_util.is_url_from_allowed_origins("http://foreign.test") and not tried


def held(files: list[str]) -> list[str]:
    manager = MemoryUploadedFileManager("/upload")
    for file in files:
        manager.add_file("session", UploadedFileRec(file, file, "image/png", b"1234"))
    assert manager._file_count == len(manager.file_storage["session"])
    return [found.file_id for found in manager.get_files("session", sorted(set(files)))]


def test_a_session_holds_two_uploads(monkeypatch):
    monkeypatch.setattr(MemoryUploadedFileManager, "add_file", MemoryUploadedFileManager.add_file)
    bounds.hold_few_uploads()
    assert held(["a"]) == ["a"] and held(["a", "b", "a"]) == ["a", "b"]
    assert held(["a", "b", "c", "d"]) == ["c", "d"] and held(["a", "b", "a", "c"]) == ["a", "c"]


@pytest.mark.parametrize("descriptors, kept", [(None, 128), (120, 10), (1024, 85), (1 << 20, 128)])
def test_closed_sessions_hold_a_quarter_of_the_descriptors(descriptors, kept):
    manager = WebsocketSessionManager(MemorySessionStorage(), None, None, None, None)
    assert manager._session_storage is not None  # it still is called so
    bounds.forget_sessions(SimpleNamespace(_runtime=SimpleNamespace(_session_mgr=manager)), descriptors)
    assert manager._session_storage._cache.maxsize == kept


def test_memory_of_sessions_whose_time_is_over_is_given_back_without_a_further_visitor(monkeypatch):
    monkeypatch.setattr(bounds, "SWEEP", 0.02)
    given, kept = [], MemorySessionStorage(ttl_seconds=0.2)

    async def visit() -> None:
        giving = asyncio.ensure_future(bounds.give_back(kept, lambda: given.append(1)))
        kept.save(SimpleNamespace(session=SimpleNamespace(id="a")))
        await asyncio.sleep(0.1)
        assert not given
        while not given:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)
        giving.cancel()

    asyncio.run(asyncio.wait_for(visit(), 30))
    assert given == [1] and not kept._cache._data
    bounds.trim()  # on any system


@pytest.mark.parametrize("name", bounds.MESSAGES)
def test_a_message_that_is_not_understood_is_one_line_of_the_log(name, caplog):
    log = logging.getLogger(f"streamlit.{name}")
    before = log.filters[:]
    bounds.tell_in_one_line()
    try:
        raise ValueError("of two\nlines")
    except ValueError as error:
        record = log.makeRecord(
            log.name, logging.WARNING, "", 0, "Error %s", ("here",), (ValueError, error, error.__traceback__)
        )
    assert log.filter(record)
    log.filters = before
    assert re.fullmatch(
        r"Error here ValueError: of two lines \(test_guard.py, line \d+\)", logging.Formatter().format(record)
    )
    assert Path(sys.modules[f"streamlit.{name}"].__file__).is_file()  # it still is called so


class Transport(asyncio.Transport):
    """A connection that keeps what was done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted, self.protocol = False, None

    def abort(self):
        self.aborted = True

    def is_closing(self):
        return self.aborted

    def get_protocol(self):
        return self.protocol

    def write(self, data):
        pass

    def get_write_buffer_size(self):
        return 1

    close, pause_reading, resume_reading = abort, lambda self: None, lambda self: None


def closes(*steps) -> bool:
    """Tell whether a connection waits for its end after these steps: bytes that arrive, or names of its methods."""

    async def connect() -> bool:
        async def app(scope, receive, send):
            await asyncio.Event().wait()

        config = uvicorn.Config(app, lifespan="off", log_config=None)
        connection, transport = bounds.Impatient(config, ServerState(), {}), Transport()
        transport.protocol = connection
        connection.connection_made(transport)
        first = connection._closing
        for step in steps:
            connection.data_received(step) if isinstance(step, bytes) else getattr(connection, step)()
        assert connection._closing is None or connection._closing.when() <= asyncio.get_running_loop().time() + 10
        waits = connection._closing is not None and not connection._closing.cancelled()
        kept = connection._closing is first
        connection.connection_lost(None)
        for task in connection.tasks:
            task.cancel()
        return waits and (kept if steps and steps[0] != WHOLE and b"PUT" not in steps[0] else True)

    return asyncio.run(connect())


WHOLE = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
PUT = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"


@pytest.mark.parametrize(
    "steps", [[], [b"GET / HT"], [b"GET / HT", b"TP/1.1\r\n"], [PUT], [PUT, b"ab"], [WHOLE, "pause_writing"]]
)
def test_half_a_request_waits_for_ten_seconds(steps):
    assert bounds.PATIENCE == 10 and closes(*steps)


@pytest.mark.parametrize(
    "steps", [[WHOLE], [b"GET / HT", WHOLE[8:]], [PUT, b"abcd"], [WHOLE, "pause_writing", "resume_writing"]]
)
def test_a_whole_request_is_worked_on_for_as_long_as_it_takes(steps):
    assert not closes(*steps)


def test_connections_are_closed_by_the_server_itself(monkeypatch):
    """Half-open ones end, one that waits for its answer does not."""
    monkeypatch.setattr(bounds, "PATIENCE", 0.2)

    async def slow(scope, receive, send):
        if scope["type"] == "lifespan":
            bounds.close_half_open_connections(entrance.Orderly)
            await send({"type": "lifespan.startup.complete"})
            return
        await asyncio.sleep(0.6)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def visit() -> list[bytes]:
        server = uvicorn.Server(uvicorn.Config(slow, port=0, log_level="error"))
        serving = asyncio.ensure_future(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        found = []
        for said in (b"", b"GET /api/ HTTP/1.1\r\nHo", WHOLE, WHOLE.replace(b"/", b"/api/", 1)):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(said)
            try:
                found.append(await asyncio.wait_for(reader.read(12), 30))
            except ConnectionResetError:
                found.append(b"")
            writer.close()
        server.should_exit = True
        await serving
        return found

    assert asyncio.run(visit()) == [b"", b"", b"HTTP/1.1 204", b"HTTP/1.1 204"]
