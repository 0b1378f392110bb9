"""What a visitor, or many who have gone, may hold: connections, descriptors, uploads, memory, lines of the log."""

import asyncio
import ctypes
import gc
import logging
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import h11
import streamlit as st
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from uvicorn import Server
from uvicorn.protocols.http.h11_impl import H11Protocol

try:
    import resource
except ImportError:  # on Windows, which has no such limit
    resource = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from streamlit import App
    from streamlit.runtime.uploaded_file_manager import UploadedFileRec

PATIENCE = 10.0  # seconds for the rest of a request, or for a client that does not read
CLOSED = 128  # sessions kept at most, as by Streamlit
UPLOADS = 2  # files of one session; a newer one takes the place of the oldest
SWEEP = 30.0  # seconds
LOOP = 3  # descriptors of a session, open or closed: those of its event loop
ARENA_MAX, ARENAS = -8, 2  # of mallopt(3): its M_ARENA_MAX, and how many heaps all threads share
MESSAGES = ("web.server.starlette.starlette_websocket", "runtime.app_session")  # who tells what is wrong with one


class Impatient(H11Protocol):
    """HTTP, but a connection is closed where a request does not arrive, or its answer is not fetched, in PATIENCE."""

    _closing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.get_protocol() is not self or self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._rest()
        elif self.conn.their_state is h11.SEND_BODY or self._closing is None:  # the head as a whole has PATIENCE
            self._rest()
            self._wait()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; who has an answer already, and sends nonsense after it, gets no other."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.abort()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._rest()
        self._watch()

    def _watch(self, left: int | None = None) -> None:
        """Close the connection of a client that has fetched nothing in PATIENCE; a slow one takes its time."""
        waits = self.transport.get_write_buffer_size()
        if left is not None and waits >= left:
            self.transport.abort()
            return
        self._closing = self.loop.call_later(PATIENCE, self._watch, waits)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._rest()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._rest()

    def _wait(self) -> None:
        self._closing = self.loop.call_later(PATIENCE, self.lose_patience)

    def lose_patience(self) -> None:
        """Close a connection on which a request has not arrived in time."""
        self.transport.abort()

    def _rest(self) -> None:
        if self._closing:
            self._closing.cancel()
        self._closing = None


def close_half_open_connections(speaks: type[Impatient] = Impatient) -> None:
    """Let the server that is about to start speak this; it is looked up, since Streamlit gives no access to it."""
    for held in gc.get_objects():
        if type(held) is Server:
            held.config.http_protocol_class = speaks


def hold_few_uploads() -> None:
    """Let a session hold UPLOADS files, however many are sent under its name."""
    add = MemoryUploadedFileManager.add_file

    def add_file(self: MemoryUploadedFileManager, session_id: str, file: "UploadedFileRec") -> None:
        self.remove_file(session_id, file.file_id)  # so that it becomes the newest
        for oldest in list(self.file_storage.get(session_id, {}))[: 1 - UPLOADS or None]:
            self.remove_file(session_id, oldest)
        add(self, session_id, file)

    MemoryUploadedFileManager.add_file = add_file  # type: ignore[method-assign]


def allow_descriptors() -> int | None:
    """Allow this process as many descriptors as the system lets it have; return how many, None without a limit."""
    if resource is None:
        return None
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # a Mac names no highest number and refuses it
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    now, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if now == resource.RLIM_INFINITY else now


def share_heaps() -> None:
    """Let all threads share ARENAS heaps, where the C library is glibc.

    Each run of a page is a thread of its own. glibc gives threads up to eight heaps a core, none of which uses the gaps
    that sessions have left in another.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).mallopt(ARENA_MAX, ARENAS)


def forget_sessions(app: "App", descriptors: int | None) -> MemorySessionStorage:
    """Keep no more closed sessions, for visitors who come back, than hold a quarter of so many descriptors.

    Returns where they are kept.
    """
    most = CLOSED if descriptors is None else min(CLOSED, descriptors // 4 // LOOP)
    kept = MemorySessionStorage(most, st.get_option("server.disconnectedSessionTTL"))
    app._runtime._session_mgr._session_storage = kept  # type: ignore[union-attr]
    return kept


async def give_back(kept: MemorySessionStorage, give: Callable[[], None]) -> None:
    """Call `give` where closed sessions have been given up since the last look, which is every SWEEP seconds.

    Streamlit itself gives up those whose time is over when the next visitor leaves, which may be tomorrow.
    """
    before = 0
    while True:
        await asyncio.sleep(SWEEP)
        now = len(kept._cache)  # which gives up those whose time is over
        if now < before:
            await asyncio.to_thread(give)
        before = now


def trim() -> None:
    """Give the system what nobody holds any more."""
    gc.collect()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library than glibc
            ctypes.CDLL(None).malloc_trim(0)


def tell_in_one_line() -> None:
    """Log one line, without its traceback, for each message of a websocket that is not what Streamlit expects."""
    for name in MESSAGES:
        logging.getLogger(f"streamlit.{name}").addFilter(_in_one_line)


def _in_one_line(record: logging.LogRecord) -> bool:
    said = [record.getMessage()]
    if record.exc_info and (error := record.exc_info[1]):
        frame = traceback.extract_tb(error.__traceback__)[-1:]
        said += [f"{type(error).__name__}: {error}", *(f"({Path(at.filename).name}, line {at.lineno})" for at in frame)]
    record.msg, record.args, record.exc_info = " ".join(" ".join(said).split()), None, None
    return True
