"""Encode a photo: its subject's embedding, classes, and box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import conf
from ..encoders.base import Encoder
from ..encoders.cells import Cells
from ..encoders.subject import encode_subject
from ..photos.crops import Crop
from ..photos.decode import Photo
from ..serving import version_encoders
from .ranking import Vector
from .results import Classification, EmbeddedPhoto, Prediction


@dataclass(frozen=True, kw_only=True)
class EncodedPhoto:
    """What the model found in a photo: ``embedding`` (dim,) and ``probabilities`` (labels,).

    Both are of the subject if one was found, else of the whole photo. ``subject``: its box as x, y,
    w, h in fractions of the photo, None for the whole photo. ``cells``: features of the whole
    photo, from which any crop can be embedded later; None if the encoder computes none.
    """

    embedding: Vector
    probabilities: Vector
    subject: Crop | None
    cells: Cells | None


def encode_photo(encoder: Encoder, photo: Photo) -> EncodedPhoto:
    """Encode the subject of a photo, or the whole photo if no subject stands out.

    A customer's photo often shows a room around the garment, and encoding the subject alone still
    finds a garment that fills a third of the area. The model runs once: the subject's embedding is
    pooled from the features of the whole photo. Raises ModelUnavailable if the model cannot be
    loaded.
    """
    seen, cells = encoder.see(photo.image)
    found = encode_subject(encoder, cells) if cells and conf.get("FIND_SUBJECT") else None
    seen, subject = found or (seen, None)
    return EncodedPhoto(
        embedding=seen.embeddings[0],
        probabilities=seen.probabilities[0],
        subject=subject,
        cells=cells,
    )


def classify(photo: Photo) -> Classification:
    """Return the most probable classes of a photo, by the active version's encoder.

    Raises ModelUnavailable if the model cannot be loaded.
    """
    encoder = version_encoders.active_encoder()
    encoded = encode_photo(encoder, photo)
    return Classification(predictions=top_predictions(encoder, encoded.probabilities))


def embed(photo: Photo) -> EmbeddedPhoto:
    """Return the embedding of a photo's subject, by the active version's encoder.

    Raises ModelUnavailable if the model cannot be loaded.
    """
    encoder = version_encoders.active_encoder()
    encoded = encode_photo(encoder, photo)
    return EmbeddedPhoto(
        encoder=encoder.id, embedding=encoded.embedding.tolist(), subject=encoded.subject
    )


def top_predictions(encoder: Encoder, probabilities: Vector) -> list[Prediction]:
    """Return the most probable classes, best first, at most ``PREDICTIONS`` of them.

    ``probabilities`` (labels,) are in the order of ``encoder.labels``.
    """
    best = np.argsort(-probabilities)[: conf.get("PREDICTIONS")]
    return [
        Prediction(label=encoder.labels[k], probability=round(float(probabilities[k]), 4))
        for k in best
    ]
