"""A LitServe server around the same parts, configured for throughput as its documentation advises.

It runs one worker and one HTTP server per core, with a ZeroMQ queue (``fast_queue``); the photo is
sent as multipart. There is no batching: on one core a batch takes as long as its photos one by one.

    python litserve_app.py CATALOG_FOLDER PORT
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import litserve

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.peers.parts import Parts

WORKERS = 2


class Search(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.parts = Parts(sys.argv[1])

    def decode_request(self, request) -> Any:  # type: ignore[no-untyped-def]  # LitServe reads it
        return self.parts.decode(request["image"].file.read())

    def predict(self, batch: Any) -> Any:
        scores, places = self.parts.look_up(self.parts.encode(batch))
        return self.parts.answer(scores, places)

    def encode_response(self, output: Any) -> Any:
        return {"results": output}


if __name__ == "__main__":
    server = litserve.LitServer(
        Search(api_path="/search"),
        accelerator="cpu",
        devices=1,
        workers_per_device=WORKERS,
        fast_queue=True,
    )
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[2]),
        num_api_servers=WORKERS,
        generate_client_file=False,
        log_level="warning",
    )
