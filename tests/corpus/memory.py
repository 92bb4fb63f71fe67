"""Detect growth of a server's memory under load."""

from __future__ import annotations

from statistics import median

import psutil

# Growth allowed from the first to the last third of the samples, as a share of the first and in MB;
# the larger one counts.
SHARE, MEGABYTES = 0.10, 60.0
# Share of the samples that is ignored while caches fill.
WARM_UP = 0.1


def used(pid: int) -> float:
    """Return the resident memory of a process and its children in MB."""
    process = psutil.Process(pid)
    total = 0
    for each in (process, *process.children(recursive=True)):
        try:
            total += each.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6


def growth(measured: list[float]) -> tuple[float, float]:
    """Return the median of the first and of the last third after the warm-up, in MB."""
    warm = measured[int(len(measured) * WARM_UP) :]
    third = max(1, len(warm) // 3)
    return median(warm[:third]), median(warm[-third:])


def grows(measured: list[float]) -> bool:
    """Return whether memory grew by more than is allowed; needs six samples."""
    if len(measured) < 6:
        return False
    first, last = growth(measured)
    return last - first > max(MEGABYTES, SHARE * first)
