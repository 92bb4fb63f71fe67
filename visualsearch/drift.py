"""Where rows, index and catalog say different things."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from django.utils.module_loading import import_string

from . import conf, index_files, live
from .batches import batched
from .catalogs import catalog
from .encoders.base import Encoder
from .exceptions import IndexFileError, IndexNotReady
from .indexing import files_by_name
from .models import Embedding

NAMED = 20
BATCH = 500


@dataclass(kw_only=True)
class Drift:
    """Counts of what agrees, and lists of what does not; each image as ``item: name``."""

    items: int = 0
    images: int = 0
    not_indexed: list[str] = field(default_factory=list)
    not_in_catalog: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    index_file: str = "ok"
    index_differs: int = 0

    @property
    def clean(self) -> bool:
        """Nothing differs."""
        differing = self.not_indexed or self.not_in_catalog or self.failed or self.index_differs
        return self.index_file == "ok" and not differing

    def as_dict(self) -> dict[str, Any]:
        """Plain values, with ``clean``."""
        return {"clean": self.clean, **asdict(self)}

    def lines(self) -> list[str]:
        """For people: what differs and what to run."""
        lines = [f"{self.items} products, {self.images} images in the catalog."]
        for names, what, remedy in (
            (self.not_indexed, "images are not indexed", "visualsearch_index --missing"),
            (self.not_in_catalog, "indexed images are not on sale", "visualsearch_index"),
            (self.failed, "images failed", "visualsearch_index --failed"),
        ):
            if names:
                lines.append(f"{len(names)} {what}; run manage.py {remedy}:")
                lines += [f"  {name}" for name in names[:NAMED]]
        if self.index_file != "ok":
            lines.append(f"Index file: {self.index_file}; run manage.py visualsearch_index.")
        if self.index_differs:
            lines.append(
                f"{self.index_differs} vectors of the index differ from the rows;"
                " run manage.py visualsearch_index."
            )
        return [*lines, "No drift."] if self.clean else lines


def find_drift() -> Drift:
    """Compare the catalog's visible images with the rows, and the rows with the index.

    Raises IndexNotReady when nothing was ever indexed.
    """
    encoder: Encoder = conf.load("ENCODER")
    drift = Drift()
    rows = {
        (item, image): error
        for item, image, error in Embedding.objects.filter(
            encoder=encoder.id, removed=False
        ).values_list("item", "image", "error")
    }
    source = catalog()
    keys = source.visible_keys()
    drift.items = len(keys)
    for batch in batched(keys, BATCH):
        for key, item in source.by_key(batch).items():
            for name in files_by_name(source.images(item)):
                drift.images += 1
                error = rows.pop((key, name), None)
                if error is None:
                    drift.not_indexed.append(f"{key}: {name}")
                elif error:
                    drift.failed.append(f"{key}: {name}: {error}")
    drift.not_in_catalog = [f"{item}: {image}" for item, image in rows]
    compare_index(drift, encoder)
    return drift


def compare_index(drift: Drift, encoder: Encoder) -> None:
    """The active version's file by its hash, and the index as it is searched against the rows."""
    active = live.active_version(encoder.id)
    if active is None:
        raise IndexNotReady
    version, _ = active
    if version.file:
        kind = import_string(version.backend)
        try:
            index_files.read(version, kind, encoder.dim, conf.get("INDEX_OPTIONS"))
        except IndexFileError as error:
            drift.index_file = str(error)
    index = live.current(encoder).index
    expected = 0
    for ids, vectors, _gone in live.changes(encoder.id, encoder.dim, 0):
        expected += len(ids)
        for pk, vector in zip(ids, vectors, strict=True):
            found, scores = index.search(vector, 1, among=np.array([pk]))
            drift.index_differs += not (len(found) and scores[0] > 0.99)
    drift.index_differs += abs(len(index) - expected)
