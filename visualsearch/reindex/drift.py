"""Find differences between the catalog, the stored embeddings and the index."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from ..batched import batched
from ..catalogs import catalog
from ..encoders.base import Encoder
from ..exceptions import IndexFileError
from ..models import Embedding, IndexVersion
from ..serving import index_files, loaded_versions, processor_check, replay, version_encoders
from ..versions import lifecycle
from .catalog_images import files_by_name

NAMED = 20
BATCH = 500
# Vectors to compare with their rows; a larger index is sampled at random.
COMPARED = 20_000


@dataclass(kw_only=True)
class Drift:
    """Differences between catalog, stored embeddings and index.

    ``items`` and ``images``: how many the catalog has. ``not_indexed``, ``not_in_catalog`` and
    ``failed``: images as ``item: name``, failed ones with the error. ``index_file``: "ok", or the
    problem. ``index_differs``: number of vectors in the index that differ from the stored
    embeddings. ``outdated``: whether the settings name another encoder or index than the active
    version's. ``known_answers``: whether all processors reproduce the reference embeddings of the
    encoder, "ok" or "differ"; "none" if the encoder has no reference embeddings. ``differing``: a
    message per processor that does not.
    """

    items: int = 0
    images: int = 0
    not_indexed: list[str] = field(default_factory=list)
    not_in_catalog: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    index_file: str = "ok"
    index_differs: int = 0
    outdated: bool = False
    decoded_differently: int = 0
    known_answers: str = "ok"
    differing: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether no difference was found."""
        differing = self.not_indexed or self.not_in_catalog or self.failed or self.index_differs
        differing = differing or self.differing or self.decoded_differently
        return self.index_file == "ok" and not differing and not self.outdated

    def as_dict(self) -> dict[str, Any]:
        """Return the fields and ``clean`` as JSON values."""
        return {"clean": self.clean, **asdict(self)}

    def lines(self) -> list[str]:
        """Return a report for people: each difference with the command that repairs it."""
        lines = [
            _("%(items)d products, %(images)d images in the catalog.")
            % {"items": self.items, "images": self.images}
        ]
        for names, what in (
            (
                self.not_indexed,
                _("%(count)d images are not indexed; run manage.py visualsearch_index --missing:"),
            ),
            (
                self.not_in_catalog,
                _("%(count)d indexed images are not on sale; run manage.py visualsearch_index:"),
            ),
            (
                self.failed,
                _("%(count)d images failed; run manage.py visualsearch_index --failed:"),
            ),
        ):
            if names:
                lines.append(what % {"count": len(names)})
                lines += [f"  {name}" for name in names[:NAMED]]
        if self.index_file != "ok":
            lines.append(
                _("Index file: %(state)s; run manage.py visualsearch_index.")
                % {"state": self.index_file}
            )
        if self.index_differs:
            lines.append(
                _(
                    "%(count)d vectors in the index differ from the stored embeddings; run"
                    " manage.py visualsearch_index."
                )
                % {"count": self.index_differs}
            )
        if self.outdated:
            lines.append(
                _(
                    "The settings name another model or index than the active version uses;"
                    " run manage.py visualsearch_index."
                )
            )
        if self.decoded_differently:
            lines.append(
                _(
                    "%(count)d images were decoded by an earlier release, whose colours may differ;"
                    " run manage.py visualsearch_index."
                )
                % {"count": self.decoded_differently}
            )
        lines += self.differing
        if self.known_answers == "none":
            lines.append(
                _(
                    "The model has no known answers, so processors cannot be compared; to add"
                    " them, run python -m ml_models.lab.known_answers --model DIR."
                )
            )
        return [*lines, _("No drift.")] if self.clean else lines


def find_drift() -> Drift:
    """Compare the catalog with the stored embeddings, and these with the index.

    Raises IndexNotReady if nothing was ever indexed, ModelUnavailable if the model cannot be
    loaded.
    """
    encoder = version_encoders.active_encoder()
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
            for name in files_by_name(source.safe_files(item)):
                drift.images += 1
                error = rows.pop((key, name), None)
                if error is None:
                    drift.not_indexed.append(f"{key}: {name}")
                elif error:
                    drift.failed.append(f"{key}: {name}: {error}")
    drift.not_in_catalog = [f"{item}: {image}" for item, image in rows]
    drift.decoded_differently = Embedding.objects.filter(encoder=encoder.id).outdated().count()
    compare_index(drift)
    compare_processors(drift, encoder)
    return drift


def compare_processors(drift: Drift, encoder: Encoder) -> None:
    """Set ``known_answers`` and ``differing`` of ``drift``, after testing this machine's processor.

    See :func:`visualsearch.serving.processor_check.check_this_processor`.
    """
    if processor_check.check_this_processor(encoder) is None:
        drift.known_answers = "none"
        return
    differing = processor_check.differing_processors(encoder.id)
    drift.differing = [processor_check.advice_for(each) for each in differing]
    drift.known_answers = "differ" if differing else "ok"


def compare_index(drift: Drift) -> None:
    """Set ``outdated``, ``index_file`` and ``index_differs`` of ``drift``.

    Of a large index, a random sample of vectors is compared with the stored embeddings.
    """
    active = IndexVersion.objects.filter(state=IndexVersion.State.ACTIVE).first()
    if active and active.file and not index_files.copies(active):
        try:  # before it is loaded, which mends it
            index_files.verify(active)
        except IndexFileError as error:
            drift.index_file = str(error)
    current = loaded_versions.current()
    version = IndexVersion.objects.get(pk=current.version)
    drift.outdated = lifecycle.is_outdated(version)
    encoder, index, expected = current.encoder, current.index, 0
    share = min(1.0, COMPARED / max(1, len(index)))
    rng = np.random.default_rng()
    for ids, vectors, _removed in replay.changed_embeddings(encoder.id, encoder.dim, 0):
        expected += len(ids)
        for place in np.flatnonzero(rng.random(len(ids)) < share):
            found, scores = current.search(vectors[place], 1, among=ids[place : place + 1])
            # Its squared norm: less than 1 if a part of the vector is zero.
            itself = current.fitted(vectors[place])
            drift.index_differs += not (len(found) and scores[0] >= 0.99 * (itself @ itself))
    drift.index_differs += abs(len(index) - expected)
