"""How the benchmarks describe where they ran, and the tables they print."""

import os
import platform
import statistics
from pathlib import Path


def machine() -> str:
    """Return the processor's name and the number of cores this process may use."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    name = next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
    return f"{name}, {len(os.sched_getaffinity(0))} cores"


def percentile(values: list[float], share: float) -> float:
    """Return the value that `share` of the values do not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def median_and_p95(values: list[float]) -> str:
    """Return both in milliseconds, for a table."""
    return f"{statistics.median(values):.1f} / {percentile(values, 0.95):.1f} ms"


def table(title: str, rows: list[tuple[str, ...]]) -> None:
    """Print rows as markdown, the first as the heading."""
    print(f"\n{title} ({machine()})\n")
    for i, row in enumerate(rows):
        print("|", " | ".join(row), "|")
        if i == 0:
            print("|" + "---|" * len(row))
