"""The encoder that serves a model package with ONNX Runtime."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from weakref import WeakSet

import numpy as np

# Its packages for Linux would report to its maker which models run, and how fast; this is read
# once, while it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from ..exceptions import ModelUnavailable
from .base import Encoder, Encoding
from .package import copy_package, load_package, read_model
from .preprocess import prepare

# Keys of ``outputs`` in model.json; a model need not have the last.
OUTPUTS = ("embedding", "probabilities", "saliency")


_made: WeakSet[OnnxEncoder] = WeakSet()


def forget_all() -> None:
    """In a forked child: what the parent had is of no use, and its locks may be held for ever."""
    for encoder in _made:
        encoder.forget()


os.register_at_fork(after_in_child=forget_all)


class OnnxEncoder(Encoder):
    """Reads ``model.json`` at once; the session is made by the first :meth:`encode`.

    So that a web process that only forwards photos never pays for it. A session does not survive a
    fork: a child makes its own.
    """

    def __init__(self, package: str | Path, *, threads: int = 1):
        """``package``: the model's folder; ``threads``: of ONNX Runtime for one call."""
        self.package = load_package(Path(package))
        self.id = self.package.encoder_id
        self.labels = self.package.labels
        self.dim = self.package.embedding_dim
        self.input = self.package.input
        self.match_threshold = self.package.match_threshold
        self.threads = threads
        self.forget()
        _made.add(self)

    def forget(self) -> None:
        """Drop the session; the next call makes one."""
        self._session: onnxruntime.InferenceSession | None = None
        self._lock = threading.Lock()

    @property
    def session(self) -> onnxruntime.InferenceSession:
        """The one session of this process, shared by its threads."""
        with self._lock:
            if self._session is None:
                self._session = self.load()
            return self._session

    def load(self) -> onnxruntime.InferenceSession:
        """Check the file's hash and start a session; raises ModelUnavailable."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            return onnxruntime.InferenceSession(
                read_model(self.package), options, providers=["CPUExecutionProvider"]
            )
        except ModelUnavailable:
            raise
        except Exception as error:
            raise ModelUnavailable(reason=f"{self.package.file} is not a usable model") from error

    def keep(self, folder: Path) -> dict[str, Any]:
        """See :meth:`Encoder.keep`: the package, which a new one may replace where it lies."""
        copy_package(self.package, folder)
        return {"package": str(folder)}

    def encode(self, images: Sequence[Image.Image]) -> Encoding:
        """See :meth:`Encoder.encode`.

        On one thread the model is called for each image: a call for 16 of them took a fifth longer
        than 16 calls.
        """
        size = 1 if self.threads == 1 else len(images)
        parts = [self.run(images[n : n + size]) for n in range(0, len(images), size)]
        by_name = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return Encoding(
            embeddings=by_name["embedding"],
            probabilities=by_name["probabilities"],
            saliency=by_name.get("saliency"),
        )

    def run(self, images: Sequence[Image.Image]) -> dict[str, NDArray[np.float32]]:
        """One call of the model: its outputs by their keys in ``model.json``."""
        batch = np.stack([prepare(image, self.package.input) for image in images])
        outputs = self.package.outputs
        wanted = [name for name in OUTPUTS if name in outputs]
        found = self.session.run(
            [outputs[name] for name in wanted], {self.package.input_name: batch}
        )
        return dict(zip(wanted, found, strict=True))
