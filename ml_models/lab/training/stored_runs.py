"""Load the network that a training run stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ..networks.shopnet import ShopNet


def load_run(folder: Path) -> tuple[ShopNet, dict[str, Any]]:
    """Load the trained network of a run's folder, and the whole contents of ``model.pt``."""
    stored = torch.load(folder / "model.pt", map_location="cpu")
    model = ShopNet(len(stored["classes"]), **stored["config"])
    model.load_state_dict(stored["weights"])
    return model.eval(), stored
