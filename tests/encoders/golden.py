"""Write the golden vectors of the shipped model; run it when a new model ships.

python -m tests.encoders.golden
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.helpers.pictures import picture
from visualsearch.conf import SHIPPED_MODEL
from visualsearch.encoders.onnx import OnnxEncoder

FILE = Path(__file__).with_name("golden.json")
SEEDS = (1, 2, 3)


def compute() -> dict[str, object]:
    """Return the shipped model's output for three pictures that are the same on any machine."""
    encoder = OnnxEncoder(SHIPPED_MODEL)
    encoding = encoder.encode([picture(seed, (240, 320)) for seed in SEEDS])
    return {
        "encoder": encoder.id,
        "embeddings": encoding.embeddings.round(4).tolist(),
        "probabilities": encoding.probabilities.round(4).tolist(),
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(compute()) + "\n", "utf-8")
