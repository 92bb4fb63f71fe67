"""Note the traits of pictures that were indexed before traits were noted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import conf
from ..batched import batched
from ..catalogs import catalog, read_file
from ..encoders.base import Encoder
from ..models import Embedding
from ..photos.decode import open_photo
from ..photos.picture_traits import class_traits, traits_of


def note_missing(encoder: Encoder, progress: Callable[[], object]) -> None:
    """Read and encode the pictures without traits, and store these; ``progress``: called often.

    The embeddings stay as they are. A picture that cannot be read now is left out.
    """
    rows = Embedding.objects.filter(encoder=encoder.id, traits__isnull=True, removed=False)
    pks = list(rows.filter(error="").values_list("pk", flat=True))
    for some in batched(pks, conf.get("BATCH_SIZE")):
        note(encoder, list(Embedding.objects.filter(pk__in=some).defer("vector")))
        progress()


def note(encoder: Encoder, rows: Sequence[Embedding]) -> None:
    """Store the traits of some rows."""
    source = catalog()
    items = source.by_key({row.item for row in rows})
    files = {
        (key, str(file.name)): file
        for key, item in items.items()
        for file in source.safe_files(item)
    }
    found: list[tuple[Embedding, dict[str, Any], Any]] = []
    for row in rows:
        file = files.get((row.item, row.image))
        if file is not None:
            try:
                data = read_file(file)
                image = open_photo(data, limits=conf.catalog_limits(encoder.side)).image
            except Exception:
                continue
            found.append((row, traits_of(data, image), image))
    if not found:
        return
    probabilities = encoder.encode([image for _, _, image in found]).probabilities
    for (row, traits, _image), some in zip(found, probabilities, strict=True):
        row.traits = {**traits, **class_traits(encoder.labels, some)}
    Embedding.everywhere.bulk_update([row for row, _, _ in found], ["traits"])
