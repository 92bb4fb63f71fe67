"""Run the floor as a worker process: ``python -m benchmarks.search.floor CATALOG_FOLDER``.

The floor is a search's bare parts: decode, one model call, one index look-up.
"""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.peers.parts import Parts
from benchmarks.search.lockstep import serve


def main() -> None:
    parts = Parts(sys.argv[1], cards=False)

    def call(data: bytes) -> dict[str, Any]:
        return {"stages": parts.timed(data)}

    serve(call)


if __name__ == "__main__":
    main()
