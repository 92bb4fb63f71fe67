"""Print the load time and the peak memory of a model package.

    python -m ml_models.lab.resources MODEL

Run it in a process of its own: peak memory includes all that the process did before.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from .measuring.cost import in_this_process


def main(argv: list[str] | None = None) -> None:
    """Print ``load_ms`` and ``peak_memory_mb`` as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="folder with model.json")
    print(json.dumps(in_this_process(parser.parse_args(argv).model)))


if __name__ == "__main__":
    main()
