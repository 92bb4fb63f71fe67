"""Compute the known answers of an ONNX model, which detect machines that compute differently."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime

from visualsearch.encoders.known_answers import KnownAnswers, pictures
from visualsearch.encoders.preprocess import InputSpec, prepare


def answers_of(path: Path, spec: InputSpec) -> KnownAnswers:
    """Return the output of the lab's model at ``path`` for the test pictures."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = [
        session.run(["embedding"], {"image": prepare(each, spec)[None]})[0] for each in pictures()
    ]
    return KnownAnswers(embeddings=np.concatenate(found))
