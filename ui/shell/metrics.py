"""GET /metrics: what an operator watches, in the text format of Prometheus.

Requests by task and status, seconds of those answered by task and model, who waits and who is worked for, sessions,
memory and descriptors of this process. Beside it Streamlit has /_stcore/health and /_stcore/metrics.
"""

import os
import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from starlette.responses import Response
from streamlit.runtime import Runtime
from streamlit.runtime.stats import GaugeStat

from ui.shell.line import Line

BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)  # seconds
TYPE = "text/plain; version=0.0.4"
PROCESS = Path("/proc/self")  # of Linux; elsewhere memory and descriptors are left out


class Tally:
    """Counts requests; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests: Counter[tuple[str, int]] = Counter()
        self.seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
        self.buckets: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * (len(BOUNDS) + 1))

    def count(self, task: str, model: str, status: int, seconds: float) -> None:
        """Count a request; its time and its model only where it was answered, for else a model may be any text."""
        with self._lock:
            self.requests[task, status] += 1
            if status == 200:
                self.seconds[task, model] += seconds
                self.buckets[task, model][bisect_left(BOUNDS, seconds)] += 1

    def lines(self) -> Iterator[str]:
        """Give the lines of the text format."""
        with self._lock:
            requests, seconds = dict(self.requests), dict(self.seconds)
            buckets = {key: counts[:] for key, counts in self.buckets.items()}
        yield from _head("cvae_requests_total", "counter", "Requests for pictures, by task and status of the answer.")
        for (task, status), count in sorted(requests.items()):
            yield _line("cvae_requests_total", count, task=task, status=str(status))
        yield from _head("cvae_answer_seconds", "histogram", "Time from question to answer, of those answered.")
        for (task, model), counts in sorted(buckets.items()):
            for i, bound in enumerate((*BOUNDS, "+Inf"), 1):
                yield _line("cvae_answer_seconds_bucket", sum(counts[:i]), task=task, model=model, le=str(bound))
            yield _line("cvae_answer_seconds_sum", round(seconds[task, model], 6), task=task, model=model)
            yield _line("cvae_answer_seconds_count", sum(counts), task=task, model=model)


tally = Tally()


def answer(line: Line) -> Response:
    """Return the answer of /metrics, with the state of this line."""
    lines = [*tally.lines(), *_line_lines(line), *_session_lines(), *_process_lines()]
    return Response("\n".join([*lines, ""]), media_type=TYPE)


def _line_lines(line: Line) -> Iterator[str]:
    yield from _gauge("cvae_line_waiting", len(line), "Requests that wait for a model.")
    yield from _gauge("cvae_line_working", line.working, "Calls of models that are at work.")
    yield from _gauge("cvae_line_workers", line.workers, "Calls of models that can be at work at once.")


def _session_lines() -> Iterator[str]:
    if Runtime.exists():
        stats = Runtime.instance().stats_mgr.get_stats(family_names=["active_sessions"])
        for stat in stats.get("active_sessions", ()):
            if isinstance(stat, GaugeStat):
                yield from _gauge("cvae_sessions", stat.value, "Sessions that are connected.")


def _process_lines() -> Iterator[str]:
    try:
        pages = int((PROCESS / "statm").read_text(encoding="ascii").split()[1])
        descriptors = len(os.listdir(PROCESS / "fd"))
    except OSError:
        return
    memory = pages * os.sysconf("SC_PAGE_SIZE")
    yield from _gauge("process_resident_memory_bytes", memory, "Resident memory.")
    yield from _gauge("process_open_fds", descriptors, "Open descriptors.")


def _gauge(name: str, value: float, says: str) -> Iterator[str]:
    yield from _head(name, "gauge", says)
    yield _line(name, value)


def _head(name: str, kind: str, says: str) -> Iterator[str]:
    yield f"# HELP {name} {says}"
    yield f"# TYPE {name} {kind}"


def _line(name: str, value: float, **labels: str) -> str:
    told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{told}}} {value}" if told else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
