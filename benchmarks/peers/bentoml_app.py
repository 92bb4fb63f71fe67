"""A BentoML server around the same parts, configured for throughput as its documentation advises.

It runs two worker processes, each with its own model and index; the photo is sent as multipart.
There is no batching: on one core a batch takes as long as its photos one by one.

    CATALOG=FOLDER bentoml serve benchmarks.peers.bentoml_app:Search --host 127.0.0.1 --port PORT
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import bentoml
from bentoml.validators import ContentType

from benchmarks.peers.parts import Parts

WORKERS = 2


@bentoml.service(workers=WORKERS, traffic={"timeout": 60})
class Search:
    def __init__(self) -> None:
        self.parts = Parts(os.environ["CATALOG"])

    @bentoml.api(route="/search")
    def search(self, image: Annotated[Path, ContentType("image/jpeg")]) -> dict[str, Any]:
        return {"results": self.parts.search(image.read_bytes())}
