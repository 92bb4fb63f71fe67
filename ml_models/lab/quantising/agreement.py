"""Compare an int8 model with itself in other arithmetic, and with its float32 original."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from torch import Tensor

Float32 = NDArray[np.float32]

# Mean and lowest cosine of embeddings; an int8 model below either bound is not worth serving.
LEAST = {"reference": (0.9995, 0.998), "precise": (0.9995, 0.998), "float32": (0.992, 0.98)}


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Cosines (N,) between a model's embeddings of N photos and those of other arithmetic.

    ``reference``: the same file with each node computed separately in floats. ``precise``: the same
    file with integer kernels that cannot overflow. ``float32``: the original model.
    """

    reference: Float32
    precise: Float32
    float32: Float32

    def as_json(self) -> dict[str, Any]:
        """Return mean and lowest cosine for each kind of arithmetic, and the number of photos."""
        figures = {name: getattr(self, name) for name in LEAST}
        return {"photos": len(self.float32)} | {
            name: {"mean": round(float(each.mean()), 5), "lowest": round(float(each.min()), 5)}
            for name, each in figures.items()
        }

    def failures(self) -> list[str]:
        """Return an error text for each bound of :data:`LEAST` that is missed."""
        found = []
        for name, (mean, lowest) in LEAST.items():
            cosines = getattr(self, name)
            if cosines.mean() < mean or cosines.min() < lowest:
                found.append(
                    f"has a cosine with {name} arithmetic of {cosines.mean():.4f} on average and"
                    f" {cosines.min():.4f} at least, where {mean} and {lowest} are needed"
                )
        return found


def session(
    path: Path, *, reference: bool = False, precise: bool = False
) -> onnxruntime.InferenceSession:
    """Open an ONNX file in ONNX Runtime: as served by default, or with other arithmetic.

    ``reference``: without optimisations, each node in floats. ``precise``: integer kernels that
    cannot overflow.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if precise:
        options.add_session_config_entry("session.x64quantprecision", "1")
    if reference:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def embeddings(opened: onnxruntime.InferenceSession, pixels: Tensor) -> Float32:
    """Return the embeddings (N, dim) of photos (N, 3, s, s) uint8 by an opened model.

    Each photo is encoded by a call of its own.
    """
    images = pixels.permute(0, 2, 3, 1).numpy()
    found = [opened.run(["embedding"], {"image": image[None]})[0] for image in images]
    return np.concatenate(found)


def cosines(a: Float32, b: Float32) -> Float32:
    """Return the cosine (N,) between the rows of two arrays (N, dim)."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    products: Float32 = (a * b).sum(1) / lengths
    return products


def agreement(source: Path, target: Path, pixels: Tensor) -> Agreement:
    """Compare the int8 model ``target`` with itself in other arithmetic and with ``source``.

    ``source``: the float32 original. ``pixels``: photos (N, 3, s, s) uint8.
    """
    served = embeddings(session(target), pixels)
    return Agreement(
        reference=cosines(served, embeddings(session(target, reference=True), pixels)),
        precise=cosines(served, embeddings(session(target, precise=True), pixels)),
        float32=cosines(served, embeddings(session(source), pixels)),
    )
