"""What the processes of a server take of the machine, on Linux."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

PROC = Path("/proc")


class MachineCollector:
    """CPU and memory of this process group: a web server and its children, or a worker's."""

    def collect(self) -> Iterator[Metric]:
        """What prometheus-client calls at each scrape."""
        if not PROC.joinpath("self/stat").exists():
            return
        seconds, memory = 0.0, 0
        for process in group():
            with suppress(OSError):  # it has just ended
                # The children that ended are in it, so the sum never falls.
                seconds += sum(int(each) for each in fields(process)[11:15])
                memory += resident(process)
        yield CounterMetricFamily(
            "visualsearch_cpu_seconds",
            "CPU time of this server's processes.",
            value=seconds / os.sysconf("SC_CLK_TCK"),
        )
        yield GaugeMetricFamily(
            "visualsearch_memory_bytes",
            "Memory of this server's processes; what they share counts once.",
            value=memory,
        )


def group() -> Iterator[Path]:
    """The processes of this process's group."""
    mine = str(os.getpgid(0))
    for process in PROC.glob("[0-9]*"):
        with suppress(OSError):
            if fields(process)[2] == mine:
                yield process


def fields(process: Path) -> list[str]:
    """What ``stat`` says after the name, which may have anything in it."""
    return process.joinpath("stat").read_text().rpartition(")")[2].split()


def resident(process: Path) -> int:
    """Bytes in memory; of a page that several processes share, each has its part."""
    for line in process.joinpath("smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0
