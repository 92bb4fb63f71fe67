"""Compute the contents of a model package's ``model.json``."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch

from visualsearch.encoders.preprocess import InputSpec

from ..measuring.parent_classes import coarse, fold
from ..measuring.reliability import calibration_error, reliability
from ..networks.onnx_files import run_onnx
from ..networks.served import OUTPUTS
from ..photos.augmentation import random_views
from ..photos.photo_sets import PhotoSet
from .match_threshold import match_calibration
from .onnx_answers import answers_of

REGION, OBJECTS = "region.onnx", "objects.onnx"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def describe_package(
    path: Path, *, version: str, size: int, stored: dict[str, Any], photos: PhotoSet
) -> dict[str, Any]:
    """Return the contents of ``model.json`` for the ONNX file at ``path``.

    ``size``: side of the model's input in pixels. ``stored``: contents of the run's ``model.pt``,
    with temperature and parts. ``photos``: validation photos, on which the file's scores are
    measured. ``region.onnx`` must be in the same folder. Finer classes count as their coarser
    class.
    """
    region, parents = path.with_name(REGION), stored.get("parents", {})
    _, numbers = coarse(stored["classes"], parents)
    true = numbers[photos.labels.numpy()]
    embeddings, probabilities, *_ = run_onnx(path, photos.pixels)
    views = random_views(photos.pixels, size, torch.Generator().manual_seed(0))
    distorted, *_ = run_onnx(path, views.add(1).mul(127.5).round().to(torch.uint8))
    folded = fold(probabilities, numbers)
    right = folded.argmax(1) == true
    return {
        "id": path.parent.name,
        "version": version,
        "file": path.name,
        "sha256": sha256(path),
        "input": {
            "name": "image",
            "size": size,
            "layout": "NHWC",
            "dtype": "uint8",
            "mean": [0, 0, 0],
            "std": [1, 1, 1],
            "resample": "bilinear",
            "fit": "squash",
        },
        "outputs": {name: name for name in OUTPUTS},
        "region": {"file": region.name, "sha256": sha256(region)},
        "labels": stored["classes"],
        **({"parents": parents} if parents else {}),
        "embedding_dim": int(embeddings.shape[1]),
        "parts": stored["parts"],
        "known_answers": answers_of(path, InputSpec(size=size)).as_json(),
        "match": match_calibration(embeddings, distorted, true),
        "scores": {
            "validation_accuracy": round(float(right.mean()), 4),
            "expected_calibration_error": calibration_error(reliability(folded, true)),
            "photos": len(right),
        },
        "provenance": {
            **{name: stored[name] for name in ("data", "licence") if name in stored},
            "initial_weights": "MobileNetV2 1.0 224, ImageNet",
            "epoch": stored["epoch"],
            "recipe": stored["recipe"],
            "temperature": stored["temperature"],
        },
    }
