"""Add known answers to a model package, to detect machines that compute differently.

    python -m ml_models.lab.known_answers --model DIR

Known answers are the embeddings of built-in test pictures. ``export`` and ``quantise`` add them
themselves; the command is for packages made elsewhere. Run it on a machine with correct arithmetic.
It uses kernels that cannot overflow.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from visualsearch.encoders.known_answers import KnownAnswers, pictures
from visualsearch.encoders.onnx import OnnxEncoder


def main(argv: list[str] | None = None) -> None:
    """Write ``known_answers`` to the package's ``model.json``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="folder of the model package")
    args = parser.parse_args(argv)
    encoder = OnnxEncoder(args.model, precise=True)
    known = KnownAnswers(embeddings=encoder.encode(pictures()).embeddings)
    path = args.model / "model.json"
    described = json.loads(path.read_text("utf-8")) | {"known_answers": known.as_json()}
    path.write_text(json.dumps(described, indent=2) + "\n", "utf-8")
    print(f"{path}: {len(known.embeddings)} known answers")


if __name__ == "__main__":
    main()
