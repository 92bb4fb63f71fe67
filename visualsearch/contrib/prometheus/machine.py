"""CPU time and memory of a server's processes, on Linux."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

PROC = Path("/proc")


class MachineCollector:
    """Collects CPU time and memory of this process group: a web server or worker with children."""

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics at each scrape; nothing on systems other than Linux."""
        if not PROC.joinpath("self/stat").exists():
            return
        seconds, memory = 0.0, 0
        for process in group():
            with suppress(OSError):  # the process has just ended
                # This includes children that have ended, so the sum never falls.
                seconds += sum(int(each) for each in fields(process)[11:15])
                memory += resident(process)
        yield CounterMetricFamily(
            "visualsearch_cpu_seconds",
            "CPU time of this server's processes.",
            value=seconds / os.sysconf("SC_CLK_TCK"),
        )
        yield GaugeMetricFamily(
            "visualsearch_memory_bytes",
            "Memory of this server's processes; shared memory counts once.",
            value=memory,
        )


def group() -> Iterator[Path]:
    """Yield the ``/proc`` folders of the processes in this process group."""
    mine = str(os.getpgid(0))
    for process in PROC.glob("[0-9]*"):
        with suppress(OSError):
            if fields(process)[2] == mine:
                yield process


def fields(process: Path) -> list[str]:
    """Return the fields of a process's ``stat`` that follow its name, as text."""
    return process.joinpath("stat").read_text().rpartition(")")[2].split()


def resident(process: Path) -> int:
    """Return a process's memory in bytes; shared pages are divided among their processes."""
    for line in process.joinpath("smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0
