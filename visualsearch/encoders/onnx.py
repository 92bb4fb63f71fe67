"""An encoder that serves a model package with ONNX Runtime."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from weakref import WeakSet

import numpy as np

# ONNX Runtime's packages for Linux would report to their maker which models run, and how fast. The
# variable is read once, during the import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from ..exceptions import ModelUnavailable
from ..photos.crops import Crop
from .base import Detections, Encoder, Encoding
from .cells import LEAST, Cells, border, overlap
from .focus import focus
from .package import ModelFile, copy_package, load_package
from .parts import Part
from .preprocess import prepare

# Keys of ``outputs`` in model.json. A model may lack those of cells, or only the last one.
OUTPUTS = ("embedding", "probabilities")
CELLS = ("cells", "colours", "saliency")
WORN = "worn"
DETECTIONS = ("boxes", "objectness", "probabilities")


_made: WeakSet[OnnxEncoder] = WeakSet()


def forget_all() -> None:
    """Drop all sessions in a forked child, where they do not work and may be locked."""
    for encoder in _made:
        encoder.forget()


os.register_at_fork(after_in_child=forget_all)


class OnnxEncoder(Encoder):
    """An encoder that runs the model of a package with ONNX Runtime.

    ``model.json`` is read at once and the model on first use, so a web process that only
    forwards photos never loads it. A session does not survive a fork; a child process makes its
    own.
    """

    def __init__(self, package: str | Path, *, threads: int = 1, precise: bool = False):
        """Read ``model.json`` in the folder ``package``; raise ModelUnavailable if it is unusable.

        ``threads``: threads of ONNX Runtime for one call. ``precise``: use int8 kernels that cannot
        overflow on x86 processors without VNNI; they are slower, and only needed by models whose
        weights are not made for the fast kernels.
        """
        self.package = load_package(Path(package))
        self.id = self.package.encoder_id
        self.labels = self.package.labels
        self.dim = self.package.embedding_dim
        self.input = self.package.input
        self.match_threshold = self.package.match_threshold
        self.known_answers = self.package.known_answers
        self.threads, self.precise = threads, precise
        self.forget()
        _made.add(self)

    @property
    def parts(self) -> tuple[Part, ...]:
        """See :attr:`Encoder.parts`: those that ``model.json`` describes."""
        return self.package.parts

    def forget(self) -> None:
        """Drop the sessions; the next use loads the model again."""
        self._sessions: list[onnxruntime.InferenceSession] = []
        self._lock = threading.Lock()

    @property
    def sessions(self) -> list[onnxruntime.InferenceSession]:
        """The sessions of the model, and of the region and the object model if there are any.

        Loaded on first use, and shared by the threads of this process. Raises ModelUnavailable if a
        model cannot be loaded.
        """
        with self._lock:
            if not self._sessions:
                self._sessions = [self.load(file) for file in self.package.files]
            return self._sessions

    def load(self, file: ModelFile) -> onnxruntime.InferenceSession:
        """Return a session of a model file.

        Raises ModelUnavailable if the file is missing, damaged, or not a usable model.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        if self.precise:
            options.add_session_config_entry("session.x64quantprecision", "1")
        try:
            return onnxruntime.InferenceSession(
                file.read(), options, providers=["CPUExecutionProvider"]
            )
        except ModelUnavailable:
            raise
        except Exception as error:
            raise ModelUnavailable(reason=f"{file.path} is not a usable model") from error

    def keep(self, folder: Path) -> dict[str, Any]:
        """See :meth:`Encoder.keep`: copies the package, which an upgrade may overwrite."""
        copy_package(self.package, folder)
        return {"package": str(folder)}

    def encode(self, images: Sequence[Image.Image]) -> Encoding:
        """See :meth:`Encoder.encode`.

        With one thread the model is called once per image: a call for 16 images took a fifth longer
        than 16 calls.
        """
        size = 1 if self.threads == 1 else len(images)
        parts = [self.run(images[n : n + size], OUTPUTS) for n in range(0, len(images), size)]
        by_name = {name: np.concatenate([part[name] for part in parts]) for name in OUTPUTS}
        return Encoding(embeddings=by_name["embedding"], probabilities=by_name["probabilities"])

    def see(self, image: Image.Image) -> tuple[Encoding, Cells | None]:
        """See :meth:`Encoder.see`; the cells are None if the package has no region model."""
        if self.package.region is None:
            return self.encode([image]), None
        wanted = OUTPUTS + CELLS
        found = self.run([image], (*wanted, WORN) if WORN in self.package.outputs else wanted)
        whole = Encoding(embeddings=found["embedding"], probabilities=found["probabilities"])
        values, colours, saliency = (found[name][0] for name in CELLS)
        worn = float(found[WORN][0]) if WORN in found else 0.0
        return whole, Cells(values=values, colours=colours, saliency=saliency, worn=worn)

    def pool(self, cells: Cells, part: Crop) -> Encoding:
        """See :meth:`Encoder.pool`: contrasts what is salient in the crop with its surroundings."""
        shape = cells.shape
        inside = overlap(part, shape)
        around = 1 - inside
        inside = inside * np.maximum(cells.saliency, LEAST)
        if around.sum() < LEAST * around.size:
            around = border(shape)
        given: dict[str, NDArray[Any]] = {
            "cells": cells.values,
            "colours": cells.colours,
            "inside": inside,
            "around": around,
        }
        region = self.sessions[1]
        embeddings, probabilities = region.run(
            OUTPUTS, {name: values[None] for name, values in given.items()}
        )
        return Encoding(embeddings=embeddings, probabilities=probabilities)

    def detect(self, cells: Cells) -> Detections | None:
        """See :meth:`Encoder.detect`; None if the package has no object model."""
        if self.package.objects is None:
            return None
        given = {
            "cells": cells.values[None],
            "colours": cells.colours[None],
            "saliency": cells.saliency[None],
        }
        boxes, objectness, probabilities = self.sessions[2].run(DETECTIONS, given)
        return Detections(boxes=boxes[0], objectness=objectness[0], probabilities=probabilities[0])

    def focus(self, cells: Cells, part: Crop) -> NDArray[np.float32]:
        """See :meth:`Encoder.focus`: on a person, the garment of the crop's most likely class."""
        return focus(cells, part, len(self.package.labels))

    def run(self, images: Sequence[Image.Image], wanted: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Run the model on some images, and return the outputs named in ``wanted``.

        Names are the keys of ``outputs`` in ``model.json``. Raises ModelUnavailable if the model
        cannot be loaded.
        """
        batch = np.stack([prepare(image, self.package.input) for image in images])
        names = [self.package.outputs[name] for name in wanted]
        found = self.sessions[0].run(names, {self.package.input_name: batch})
        return dict(zip(wanted, found, strict=True))
