"""Who may enter: requests for pictures a few at a time, so that no page waits behind all of them.

A page is many short steps of the event loop. Where a thousand questions a second are read, answered and refused, all
that came meanwhile would be worked off between any two of these steps, and a page would take ten times as long.
"""

import asyncio
from collections import deque

from ui.shell.bounds import Impatient

FEW = 4  # that enter between two looks at what else there is to do
MOST = 2**16  # bytes that are taken from somebody outside
ASKS = b"/api/"  # in the path of a request


class Entrance:
    """Connections that have asked for something and wait outside, the longest waiting first."""

    def __init__(self) -> None:
        self._outside: deque[Orderly] = deque()

    def wait(self, connection: "Orderly") -> None:
        """Let a connection enter after those that came before it."""
        if not self._outside:
            connection.loop.call_soon(self._let_in)
        self._outside.append(connection)

    def _let_in(self) -> None:
        for _ in range(min(FEW, len(self._outside))):
            _enter(self._outside.popleft())
        if self._outside:
            asyncio.get_running_loop().call_soon(self._let_in)


def _enter(connection: "Orderly") -> None:
    """Let one enter; an error ends this connection, as where the loop itself calls it, and those behind come in."""
    try:
        connection.enter()
    except Exception as error:
        told = {"message": "A request could not be read.", "exception": error, "protocol": connection}
        connection.loop.call_exception_handler(told)
        connection.transport.abort()


entrance = Entrance()


class Orderly(Impatient):
    """HTTP in which who asks for a picture waits for a turn before the request is read."""

    _said = b""  # what came of somebody outside

    def data_received(self, data: bytes) -> None:
        if self._said:
            self._said += data
            if len(self._said) > MOST:
                self.transport.pause_reading()
        elif ASKS in data.partition(b"\r\n")[0].partition(b"?")[0]:
            self._said = data
            self._unset_keepalive_if_required()
            entrance.wait(self)
        else:
            super().data_received(data)

    def enter(self) -> None:
        """Read what has been said, unless whoever said it has gone."""
        said, self._said = self._said, b""
        if self.transport.is_closing():
            return
        if len(said) > MOST:
            self.transport.resume_reading()
        super().data_received(said)

    def lose_patience(self) -> None:
        """Close what says nothing more, but nobody who has said it and is kept waiting."""
        if self._said:
            self._wait()
        else:
            super().lose_patience()

    def timeout_keep_alive_handler(self) -> None:
        """Close what has asked for nothing more since its last answer."""
        if not self._said:
            super().timeout_keep_alive_handler()
