"""Compute a model's known answers, by which serving detects a machine that computes differently."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime

from visualsearch.encoders.known_answers import KnownAnswers, pictures
from visualsearch.encoders.preprocess import InputSpec, prepare


def answers_of(path: Path, spec: InputSpec) -> KnownAnswers:
    """Return the embeddings of the built-in test pictures by the ONNX file at ``path``.

    ``spec``: the model's input.
    """
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = [
        session.run(["embedding"], {"image": prepare(each, spec)[None]})[0] for each in pictures()
    ]
    return KnownAnswers(embeddings=np.concatenate(found))
