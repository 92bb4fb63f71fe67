"""Find the garment in a photo of a person."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..photos.crops import Crop
from .cells import LEAST, Cells, overlap


def focus(cells: Cells, part: Crop, classes: int) -> NDArray[np.float32]:
    """Return the weight, 0…1, of each cell (h, w) as subject of a crop; 0 outside the crop.

    In a photo of a person, a cell's weight grows with its logit of the crop's most likely class:
    skin, hair and other garments support other classes. In a photo of a thing alone, the weight is
    the saliency. ``part``: the crop, x, y, w, h in fractions of the image. ``classes``: how many of
    each cell's last values are logits. Source: class activation maps of Zhou et al., "Learning Deep
    Features for Discriminative Localization" (2016).
    """
    covered = overlap(part, cells.shape)
    salient: NDArray[np.float32] = (covered > 0) * cells.saliency
    if not cells.worn:
        return salient
    logits = cells.values[..., -classes:]
    counts = covered * np.maximum(cells.saliency, LEAST)
    likely = int(np.einsum("hw,hwc->c", counts, logits).argmax())
    speaks = np.maximum(logits[..., likely] - logits.mean(-1), 0) * (covered > 0)
    speaks = speaks / max(float(speaks.max()), 1e-6)
    return (salient * (1 - cells.worn + cells.worn * speaks)).astype(np.float32)
