"""Measure a model's latency, load time, memory and size."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from visualsearch.encoders.onnx import OnnxEncoder

WARM_UP = 5
REPEATS = 50
BATCHES = (1, 8, 32)
PHOTOS_IN_CHILD = 20
# Folder to import the lab from, and the program of the fresh process.
ROOT = Path(__file__).resolve().parents[3]
CHILD = (
    f"import json, pathlib, sys; from {__name__} import in_this_process;"
    " print(json.dumps(in_this_process(pathlib.Path(sys.argv[1]))))"
)


def noise_photo() -> Image.Image:
    """Return a 300 × 300 RGB image of noise; the content does not affect latency."""
    pixels = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def latency_ms(encoder: OnnxEncoder, batch: int = 1) -> dict[str, float]:
    """Return p50 and p95 of the milliseconds per image, ``batch`` images per call, on one thread.

    Preprocessing is included.
    """
    images = [noise_photo()] * batch
    # Large batches are slow and vary little, so fewer calls are enough.
    warm_up, repeats = (WARM_UP, REPEATS) if batch == 1 else (1, max(5, REPEATS // batch))
    took = []
    for _ in range(warm_up + repeats):
        start = time.perf_counter()
        encoder.encode(images)
        took.append((time.perf_counter() - start) * 1000 / batch)
    p50, p95 = np.percentile(took[warm_up:], [50, 95])
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2)}


def peak_memory_mb() -> float:
    """Return this process's peak memory in MB (10^6 bytes)."""
    try:
        # On Linux, ru_maxrss of a new program starts at the peak of its parent.
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6
    except (OSError, IndexError):
        import resource  # Not on Windows.

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak * (1 if sys.platform == "darwin" else 1024) / 1e6


def in_this_process(model: Path) -> dict[str, float]:
    """Load a package, encode 20 images one by one, and return ``load_ms`` and ``peak_memory_mb``.

    Run this in a fresh process only, whose peak memory is the model's.
    """
    encoder = OnnxEncoder(model)
    start = time.perf_counter()
    _ = encoder.sessions
    load_ms = (time.perf_counter() - start) * 1000
    for _ in range(PHOTOS_IN_CHILD):
        encoder.encode([noise_photo()])
    return {"load_ms": round(load_ms, 1), "peak_memory_mb": round(peak_memory_mb(), 1)}


def in_fresh_process(model: Path) -> dict[str, float]:
    """Return ``load_ms`` and ``peak_memory_mb`` of a package, measured in a new process.

    ``model``: its folder. Raises CalledProcessError if the process fails.
    """
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(model.resolve())],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def measure_cost(encoder: OnnxEncoder, model: Path) -> dict[str, Any]:
    """Return ``latency_ms`` by batch size, ``load_ms``, ``peak_memory_mb`` and ``size_mb``.

    ``model``: the package's folder, from which ``encoder`` was loaded.
    """
    return {
        "latency_ms": {str(batch): latency_ms(encoder, batch) for batch in BATCHES},
        **in_fresh_process(model),
        "size_mb": round(encoder.package.model.path.stat().st_size / 1e6, 2),
    }
