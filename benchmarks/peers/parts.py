"""The bare parts of a search by photo: the benchmark's floor, and the core of the peer servers.

A search decodes a photo at reduced size, calls the model once and searches the index once, each on
one thread. Needs only Pillow, NumPy, ONNX Runtime and FAISS, no Django.
"""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

LIMIT = 12
"""Products in a response."""


class Parts:
    """The model and index in a catalog folder written by ``benchmarks.search.catalog``."""

    def __init__(self, folder: Path | str, *, cards: bool = True):
        """Load model and index from a catalog folder.

        ``cards``: whether to load the product cards too, which the floor does not need.
        """
        folder = Path(folder)
        described = json.loads((folder / "parts.json").read_text("utf-8"))
        self.side: int = described["side"]
        self.input: str = described["input"]
        self.output: str = described["embedding"]
        self.session = session(described["model"])
        faiss.omp_set_num_threads(1)
        self.index = faiss.read_index(str(folder / "bare.faiss"))
        self.cards: list[dict[str, Any]] = []
        if cards:
            self.cards = json.loads((folder / "cards.json").read_text("utf-8"))

    def decode(self, data: bytes) -> NDArray[np.uint8]:
        """Decode a JPEG file to pixels (1, side, side, 3)."""
        return pixels(data, self.side)

    def encode(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Encode pixels (1, side, side, 3) to an embedding (1, dim)."""
        return self.session.run([self.output], {self.input: batch})[0]

    def look_up(self, embedding: NDArray[np.float32]) -> tuple[Any, Any]:
        """Return the 12 best scores and their positions in the index, (1, 12) each."""
        faiss.omp_set_num_threads(1)  # OpenMP keeps this number per thread
        padding = self.index.d - embedding.shape[1]  # the file's vectors end with zeros
        return self.index.search(np.pad(embedding, ((0, 0), (0, padding))), LIMIT)

    def search(self, data: bytes) -> list[dict[str, Any]]:
        """Search with the bytes of a photo; return product cards with scores."""
        return self.answer(*self.look_up(self.encode(self.decode(data))))

    def answer(self, scores: Any, places: Any) -> list[dict[str, Any]]:
        """Return the product cards at index positions ``places`` (1, n), with ``scores`` (1, n)."""
        return [
            {**self.cards[place], "score": round(float(score), 4)}
            for score, place in zip(scores[0], places[0], strict=True)
        ]

    def timed(self, data: bytes) -> dict[str, float]:
        """Search without product cards; return the milliseconds of decode, encode and index."""
        start = time.perf_counter()
        batch = self.decode(data)
        decoded = time.perf_counter()
        embedding = self.encode(batch)
        encoded = time.perf_counter()
        self.look_up(embedding)
        found = time.perf_counter()
        return {
            "decode": (decoded - start) * 1000,
            "encode": (encoded - decoded) * 1000,
            "index": (found - encoded) * 1000,
        }


def pixels(data: bytes, side: int) -> NDArray[np.uint8]:
    """Decode a JPEG at reduced size, squashed to a square: uint8 (1, side, side, 3)."""
    photo = Image.open(io.BytesIO(data))
    photo.draft("RGB", (side, side))
    square = photo.convert("RGB").resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(square)[None]


def session(model: str) -> onnxruntime.InferenceSession:
    """Open an ONNX file in ONNX Runtime on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
