"""What all sessions share, kept as long as there is room: a bounded number of bytes, the longest unused given up first.

A number of entries would be no bound: a hundred small models cost less than one large map, and one entry too few makes
every visit load everything anew.
"""

import inspect
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
from torch import Tensor

MOST = 384 * 2**20  # bytes of all that is kept together
LEAST = 2**10  # that any entry counts as

P = ParamSpec("P")
R = TypeVar("R")


class Cache:
    """Values by their key, at most `most` bytes of them; of one key only one is made at a time."""

    def __init__(self, most: int) -> None:
        self.most, self.bytes = most, 0
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return the value of a key, made where it is not kept; an error of `make` is not kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._kept:  # made by whoever was here before
                    return self._kept[key][0]
            try:
                value = make()
                self._keep(key, value, max(LEAST, size(value)))
            finally:
                with self._lock:
                    self._making.pop(key, None)
        return value

    def _keep(self, key: Hashable, value: Any, weight: int) -> None:
        with self._lock:
            _, before = self._kept.pop(key, (None, 0))  # two may make the same, after a failure
            self._kept[key] = value, weight
            self.bytes += weight - before
            while self.bytes > self.most and len(self._kept) > 1:  # the newest stays, however large
                _, (_, given_up) = self._kept.popitem(last=False)
                self.bytes -= given_up

    def clear(self) -> None:
        """Give up all that is kept."""
        with self._lock:
            self._kept.clear()
            self.bytes = 0

    def __len__(self) -> int:
        return len(self._kept)


shared = Cache(MOST)


def remembered(function: Callable[P, R]) -> Callable[P, R]:
    """Keep what a function returns, by all arguments but those whose name begins with an underscore."""
    told = [not name.startswith("_") for name in inspect.signature(function).parameters]

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        key = function.__qualname__, *(arg for arg, counts in zip(args, told, strict=True) if counts)
        return shared.get(key, lambda: function(*args, **kwargs))

    return wrapper


def size(value: Any) -> int:
    """Return how many bytes of numbers and of text a value holds, in whatever it is made of."""
    seen: set[int] = set()

    def of(part: Any) -> int:
        if part is None or id(part) in seen:
            return 0
        seen.add(id(part))
        if isinstance(part, Tensor):
            return part.numel() * part.element_size()
        if isinstance(part, np.ndarray):
            return part.nbytes
        if isinstance(part, str | bytes):
            return len(part)
        if isinstance(part, dict):
            return sum(map(of, part.values()))
        if isinstance(part, list | tuple):
            return 8 * len(part) + sum(map(of, part))
        return sum(map(of, vars(part).values())) if hasattr(part, "__dict__") else 0

    return of(value)
