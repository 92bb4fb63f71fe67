"""Whether a server's memory grows while it works."""

from __future__ import annotations

from statistics import median

import psutil

# Memory may vary by so much between the first and the last third of the measurements, as a share
# of the first and in MB.
SHARE, MEGABYTES = 0.10, 60.0
# Measurements before that are of caches that fill: this share of all.
WARM_UP = 0.1


def used(pid: int) -> float:
    """MB that a process and its children hold."""
    process = psutil.Process(pid)
    total = 0
    for each in (process, *process.children(recursive=True)):
        try:
            total += each.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6


def growth(measured: list[float]) -> tuple[float, float]:
    """Median MB of the first and of the last third, after the warm-up."""
    warm = measured[int(len(measured) * WARM_UP) :]
    third = max(1, len(warm) // 3)
    return median(warm[:third]), median(warm[-third:])


def grows(measured: list[float]) -> bool:
    """Whether that is more than what varies."""
    if len(measured) < 6:
        return False
    first, last = growth(measured)
    return last - first > max(MEGABYTES, SHARE * first)
