"""The line in front of the models: who waits, whose turn it is, and who is told to come again.

All of it but `work` runs in the event loop of the server. A kind is a task and the model it is for: what waits of one
kind is worked on together, and kinds take turns by the time that they have used, so that a slow one cannot hold up
a quick one. A client has one place in the line, and keeps it with a newer wish; whoever has gone loses it.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

NEWER = "a newer request took the place of this one."


class Kind(NamedTuple):
    """A task and the name of the model that somebody wants it done by, which may be any text."""

    task: str
    model: str


class Limits(NamedTuple):
    """How many wishes of a kind one call of the model answers, and how many may wait."""

    together: int
    waiting: int


class Refused(Exception):
    """Nothing was computed; the text says why in one line, and the status in the words of HTTP."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(eq=False)
class Wish:
    """What a client wants, from which network address, and the answer to come: a value, or why there is none."""

    kind: Kind
    given: Any
    client: object = field(default_factory=object)  # equal for the wishes of one client; by default nobody else's
    address: str = ""
    answer: asyncio.Future = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Line:
    """Answers wishes by `work(kind, what was given)`, which returns a value or an exception for each."""

    def __init__(
        self,
        work: Callable[[Kind, list], list],
        limits: Mapping[str, Limits],
        most: int,
        workers: int = CORES,
        prepare: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Take the limits of each task, the `most` that wait in all; each worker, a thread, begins with `prepare`."""
        self.work, self.limits, self.most, self.workers, self.clock = work, limits, most, workers, clock
        self._pool = ThreadPoolExecutor(workers, initializer=prepare)
        self._waiting: dict[Kind, list[Wish]] = {}  # no list is empty
        self._working: Counter[Kind] = Counter()
        self._had: dict[Kind, float] = {}  # seconds, of kinds that wait or are worked on; a new one starts as the least

    def __len__(self) -> int:
        """Return how many wait."""
        return sum(map(len, self._waiting.values()))

    def __iter__(self) -> Iterator[Wish]:
        """Give all that wait, kind by kind."""
        return (wish for wishes in self._waiting.values() for wish in wishes)

    @property
    def working(self) -> int:
        """Return how many workers are at work."""
        return self._working.total()

    async def answer(self, wish: Wish) -> Any:
        """Return the answer to a wish; Refused where the line is full or the same client's newer wish came first."""
        self._join(wish)
        self._advance()
        try:
            return await wish.answer
        finally:
            self._leave(wish)

    def _join(self, wish: Wish) -> None:
        older = next((other for other in self if other.client == wish.client), None)
        if older and older.kind == wish.kind:
            wishes = self._waiting[wish.kind]
            wishes[wishes.index(older)] = wish
            _refuse(older, 429, NEWER)
        else:
            if older:
                self._leave(older)
                _refuse(older, 429, NEWER)  # first: there may be no room for this one
            self._make_room(wish)
            self._had.setdefault(wish.kind, min(self._had.values(), default=0.0))
            self._waiting.setdefault(wish.kind, []).append(wish)

    def _make_room(self, wish: Wish) -> None:
        """Refuse this wish where no place is left, or the last one of an address that has more places than this one."""
        rivals = self._waiting.get(wish.kind, [])
        if len(rivals) < self.limits[wish.kind.task].waiting:
            rivals = list(self)
            if len(rivals) < self.most:
                return
        places = Counter(other.address for other in rivals)
        greediest = max(places, key=places.__getitem__)
        full = "too many wait already; ask again in a moment."
        if places[greediest] <= places[wish.address] + 1:
            raise Refused(503, full)
        last = next(other for other in reversed(rivals) if other.address == greediest)
        self._leave(last)
        _refuse(last, 503, full)

    def _leave(self, wish: Wish) -> None:
        """Take a wish out of the line, if it still is there."""
        wishes = self._waiting.get(wish.kind, [])
        if wish in wishes:
            wishes.remove(wish)
        if not wishes:
            self._waiting.pop(wish.kind, None)
        self._forget(wish.kind)

    def _forget(self, kind: Kind) -> None:
        if kind not in self._waiting and not self._working[kind]:
            self._had.pop(kind, None)
            del self._working[kind]

    def _advance(self) -> None:
        """Give every free worker the oldest wishes of the kind that has had least."""
        while self._waiting and self.working < self.workers:
            kind = min(self._waiting, key=self._had.__getitem__)
            together = self.limits[kind.task].together
            wishes = self._waiting[kind][:together]
            if not self._waiting[kind][together:]:
                del self._waiting[kind]
            else:
                del self._waiting[kind][:together]
            self._working[kind] += 1
            done = asyncio.get_running_loop().run_in_executor(self._pool, self._timed, kind, wishes)
            done.add_done_callback(partial(self._finish, kind, wishes))

    def _timed(self, kind: Kind, wishes: list[Wish]) -> tuple[float, list]:
        """Do the work, in the thread of a worker; return the seconds it took and its answers."""
        begin = self.clock()
        try:
            answers = self.work(kind, [wish.given for wish in wishes])
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            answers = [error] * len(wishes)
        return self.clock() - begin, answers

    def _finish(self, kind: Kind, wishes: list[Wish], done: asyncio.Future) -> None:
        seconds, answers = done.result()
        self._had[kind] += seconds
        self._working[kind] -= 1
        for wish, answer in zip(wishes, answers, strict=True):
            if wish.answer.done():  # who asked has gone
                continue
            if isinstance(answer, Exception):
                wish.answer.set_exception(answer)
            else:
                wish.answer.set_result(answer)
        self._forget(kind)
        self._advance()


def _refuse(wish: Wish, status: int, why: str) -> None:
    if not wish.answer.done():
        wish.answer.set_exception(Refused(status, why))
