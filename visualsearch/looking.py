"""What a model sees in a photo: what it is of, and where that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import conf, encoding
from .encoders.base import Encoder
from .encoders.cells import Cells
from .photos import Crop, Photo
from .ranking import Vector
from .results import Prediction
from .subject import suggest_box


@dataclass(frozen=True, kw_only=True)
class Look:
    """``embedding`` (dim,) of a photo or of its subject; ``probabilities`` (labels,).

    ``subject``: the box of what is searched for, in fractions of the photo, None where all of it
    counts; ``cells``: of all of it.
    """

    embedding: Vector
    probabilities: Vector
    subject: Crop | None
    cells: Cells | None


def look_at(encoder: Encoder, photo: Photo) -> Look:
    """Encode what a photo is of, or all of it where that cannot be told.

    A customer's photo shows a room around the garment; the part alone is found again from a third
    of the area. The model looks once: the part's embedding is made of what it saw of the whole.
    """
    seen, cells = encoder.see(photo.image)
    subject = suggest_box(cells.saliency) if cells and conf.get("FIND_SUBJECT") else None
    if cells and subject:
        seen = encoder.pool(cells, subject)
        # Of a person, the box of the garment that the classes name.
        subject = suggest_box(encoder.focus(cells, subject)) or subject
    return Look(
        embedding=seen.embeddings[0],
        probabilities=seen.probabilities[0],
        subject=subject,
        cells=cells,
    )


def classify(photo: Photo) -> list[Prediction]:
    """The classes of a photo, most probable first."""
    encoder = encoding.answering()
    return top_predictions(encoder, look_at(encoder, photo).probabilities)


def top_predictions(encoder: Encoder, probabilities: Vector) -> list[Prediction]:
    """The most probable classes, as many as the setting ``PREDICTIONS`` says."""
    best = np.argsort(-probabilities)[: conf.get("PREDICTIONS")]
    return [
        Prediction(label=encoder.labels[k], probability=round(float(probabilities[k]), 4))
        for k in best
    ]
