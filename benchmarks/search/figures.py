"""Summarise measured times, in milliseconds, and describe the machine."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import fmean, median
from typing import Any

PACKAGES = [
    *("Django", "djangorestframework", "Pillow", "numpy", "onnxruntime", "faiss-cpu"),
    *("celery", "redis", "gunicorn", "psycopg"),
]

# Instruction sets that the model's and the index's kernels use.
INSTRUCTIONS = ("avx2", "f16c", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8")


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile: the smallest value with ``percent`` % at or below it."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def summary(values: Sequence[float]) -> dict[str, float | int]:
    """Return count, median (``p50``), p95, p99, mean, min and max; only the count if empty."""
    if not values:
        return {"count": 0}
    return {
        "count": len(values),
        "p50": round(median(values), 3),
        "p95": round(percentile(values, 95), 3),
        "p99": round(percentile(values, 99), 3),
        "mean": round(fmean(values), 3),
        "min": round(min(values), 3),
        "max": round(max(values), 3),
    }


def cpuinfo(name: str) -> str:
    """Return the value of ``/proc/cpuinfo`` with this name for the first processor, or ""."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    found = (line.partition(":")[2].strip() for line in lines if line.startswith(name))
    return next(found, "")


def machine() -> dict[str, Any]:
    """Return date, processor and what it can do, threads, load, memory, system and versions."""
    flags = cpuinfo("flags").split()
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": cpuinfo("model name") or "unknown",
        "instructions": [each for each in INSTRUCTIONS if each in flags],
        "threads": len(os.sched_getaffinity(0)),
        "load_before": [round(each, 2) for each in os.getloadavg()],
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": installed(PACKAGES),
    }


def installed(packages: Sequence[str]) -> dict[str, str]:
    """Return the installed version of each package, or "not installed"."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
