"""A fake encoder that finds two things in each photo."""

from __future__ import annotations

import numpy as np

from visualsearch.encoders.base import Detections
from visualsearch.encoders.cells import Cells
from visualsearch.encoders.fake import FakeEncoder

LEFT, RIGHT = (0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 0.5, 1.0)


class HalvesEncoder(FakeEncoder):
    """A fake encoder that detects the left and the right half of a photo, the left one surer."""

    def __init__(self) -> None:
        super().__init__(cells=True)

    def detect(self, cells: Cells) -> Detections:
        halves = [self.pool(cells, each).probabilities[0] for each in (LEFT, RIGHT)]
        return Detections(
            boxes=np.array([LEFT, RIGHT], np.float32),
            objectness=np.array([0.9, 0.8], np.float32),
            probabilities=np.stack(halves),
        )
