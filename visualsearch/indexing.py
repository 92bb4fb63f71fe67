"""Keep rows equal to the catalog, and index versions equal to the rows."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.fields.files import FieldFile
from django.utils import timezone
from PIL import Image

from . import conf, index_files, live
from .batches import batched
from .catalogs import catalog
from .encoders.base import Encoder
from .exceptions import PhotoError
from .models import Embedding, EmbeddingQuerySet, IndexVersion, Revision, Run, to_bytes
from .photos import open_photo

logger = logging.getLogger(__name__)

State = IndexVersion.State

MAX_ATTEMPTS = 5


@dataclass
class Seen:
    """One image as the catalog has it now, against the row that stands for it."""

    item: str
    name: str
    file: FieldFile
    row: Embedding | None
    content_hash: str = ""
    image: Image.Image | None = None
    error: str = ""
    vector: bytes = field(default=b"", repr=False)

    @property
    def unchanged(self) -> bool:
        """The row has this very content, encoded: nothing is left to do but to bring it back."""
        row = self.row
        return row is not None and not row.error and row.content_hash == self.content_hash


def refresh(keys: Iterable[str]) -> Counter[str]:
    """Bring the rows of these items to what the catalog says now.

    Changed images are encoded, hidden or deleted ones are marked as removed. Counts images:
    ``encoded``, ``unchanged``, ``removed``, ``failed``. Raises ModelUnavailable.
    """
    counts: Counter[str] = Counter(encoded=0, unchanged=0, removed=0, failed=0)
    size = conf.get("BATCH_SIZE")
    for batch in batched(list(dict.fromkeys(keys)), size):
        counts += refresh_batch(batch)
    return counts


def refresh_batch(keys: Sequence[str]) -> Counter[str]:
    """One batch of items, again if another process wrote about them meanwhile."""
    for _ in range(MAX_ATTEMPTS):
        with suppress(Overtaken):
            return refresh_once(keys)
    raise Overtaken(f"{MAX_ATTEMPTS} times in a row others wrote about {', '.join(keys)}")


def refresh_once(keys: Sequence[str]) -> Counter[str]:
    """Read and encode outside the transaction, then write inside it; raises Overtaken.

    That nothing changed is judged inside it too: otherwise a product that is hidden and shown
    again at once could be marked as removed by the slower of two tasks, and stay so.
    """
    encoder: Encoder = conf.load("ENCODER")
    before = list(Embedding.objects.filter(encoder=encoder.id, item__in=keys))
    shown = pictures(keys)
    rows = {(row.item, row.image): row for row in before}
    seen = [
        Seen(item=item, name=name, file=file, row=rows.pop((item, name), None))
        for (item, name), file in shown.items()
    ]
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(look, seen))
    encode(encoder, [image for image in seen if image.image is not None])
    gone = [row for row in rows.values() if not row.removed]
    changed = [image for image in seen if not image.unchanged or (image.row and image.row.removed)]
    counts = Counter(unchanged=len(seen) - len(changed))
    with transaction.atomic():
        Revision.hold()
        if revisions(encoder, keys) != {row.pk: row.revision for row in before}:
            raise Overtaken
        if pictures(keys).keys() != shown.keys():
            raise Overtaken
        if changed or gone:
            ensure_active_version(encoder)
            counts += write(encoder, changed, gone, Revision.take())
    return counts


def pictures(keys: Sequence[str]) -> dict[tuple[str, str], FieldFile]:
    """The pictures of those of the items that are visible now, by item and name."""
    source = catalog()
    return {
        (key, name): file
        for key, item in source.by_key(keys).items()
        for name, file in files_by_name(source.images(item)).items()
    }


class Overtaken(Exception):
    """The items changed since they were read, or another process wrote about them."""


def revisions(encoder: Encoder, keys: Sequence[str]) -> dict[int, int]:
    """The revision of each row of these items."""
    rows = Embedding.objects.filter(encoder=encoder.id, item__in=keys)
    return dict(rows.values_list("pk", "revision"))


def files_by_name(files: Iterable[FieldFile]) -> dict[str, FieldFile]:
    """An item's pictures, each name once: a row stands for one of them."""
    return {str(file.name): file for file in files if file}


def look(seen: Seen) -> None:
    """Read and hash one image, and decode it if its content is new."""
    try:
        with seen.file.storage.open(seen.name) as stored:
            data = stored.read()
    except OSError as error:
        seen.error = f"The file cannot be read: {error.strerror or error}"
        return
    seen.content_hash = hashlib.sha256(data).hexdigest()
    if seen.unchanged:
        return
    try:
        seen.image = open_photo(data, limits=conf.limits()).image
    except PhotoError as error:
        seen.error = str(error)


def encode(encoder: Encoder, images: Sequence[Seen]) -> None:
    """Fill in the vectors, some images at a time to bound memory."""
    for batch in batched(images, conf.get("BATCH_SIZE")):
        encoding = encoder.encode([seen.image for seen in batch if seen.image is not None])
        for seen, vector in zip(batch, encoding.embeddings, strict=True):
            seen.vector, seen.image = to_bytes(vector), None


def write(
    encoder: Encoder, changed: Sequence[Seen], gone: Sequence[Embedding], revision: int
) -> Counter[str]:
    """Store what changed under one revision; counts images by what became of them."""
    counts: Counter[str] = Counter()
    for seen in changed:
        counts[write_row(encoder, seen, revision)] += 1
    removed = Embedding.objects.filter(pk__in=[row.pk for row in gone])
    counts["removed"] = removed.update(removed=True, revision=revision, updated=timezone.now())
    return counts


def write_row(encoder: Encoder, seen: Seen, revision: int) -> str:
    """Store one image's row; says what it counts as."""
    values: dict[str, Any] = {"removed": False, "revision": revision, "error": seen.error[:300]}
    if seen.unchanged:
        kind = "unchanged"
    elif seen.error:
        kind = "failed"
        values |= {"content_hash": seen.content_hash, "vector": b""}
        values["attempts"] = seen.row.attempts + 1 if seen.row else 1
    else:
        kind = "encoded"
        values |= {"content_hash": seen.content_hash, "vector": seen.vector, "attempts": 1}
    Embedding.objects.update_or_create(
        encoder=encoder.id, item=seen.item, image=seen.name, defaults=values
    )
    return kind


def ensure_active_version(encoder: Encoder) -> None:
    """A shop's first product must be found without a rebuild: an empty version follows the rows."""
    active = IndexVersion.objects.filter(encoder=encoder.id, state=State.ACTIVE)
    if active.exists():
        return
    try:
        with transaction.atomic():
            IndexVersion.objects.create(
                encoder=encoder.id,
                backend=conf.get("INDEX"),
                state=State.ACTIVE,
                activated=timezone.now(),
            )
    except IntegrityError:
        logger.debug("another process made the first version of %s", encoder.id)


def rebuild() -> IndexVersion:
    """Build a new version from the rows beside the active one, and activate it."""
    encoder: Encoder = conf.load("ENCODER")
    version = IndexVersion.objects.create(encoder=encoder.id, backend=conf.get("INDEX"))
    try:
        # Taken before the rows are read: what is written meanwhile is replayed by the searchers.
        version.revision = Revision.current()
        built = live.load(version, encoder)
        live.replay(built, version.revision)
        version.file = f"{encoder.id}-{version.pk}.index"
        version.sha256 = index_files.write(built.index, version.file)
        version.images, version.items = len(built.index), built.items
        version.state = State.READY
    except Exception as error:
        version.state, version.error = State.FAILED, str(error)[:300]
        raise
    finally:
        version.save()
    activate(version)
    prune(encoder.id)
    return version


def activate(version: IndexVersion) -> None:
    """Make ``version`` the one that answers; search processes follow at their next search."""
    with transaction.atomic():
        same = IndexVersion.objects.filter(encoder=version.encoder)
        same.filter(state=State.ACTIVE).exclude(pk=version.pk).update(state=State.RETIRED)
        version.state, version.activated = State.ACTIVE, timezone.now()
        version.save(update_fields=["state", "activated"])


def roll_back() -> IndexVersion:
    """Activate the version that was active before; raises LookupError if none is kept."""
    encoder: Encoder = conf.load("ENCODER")
    retired = IndexVersion.objects.filter(encoder=encoder.id, state=State.RETIRED)
    version = retired.order_by("-activated").first()
    if version is None:
        raise LookupError("no earlier version is kept: raise the setting KEPT_VERSIONS")
    activate(version)
    return version


def prune(encoder_id: str) -> None:
    """Delete retired versions beyond those that are kept for a roll back."""
    retired = IndexVersion.objects.filter(encoder=encoder_id, state=State.RETIRED)
    for version in retired.order_by("-activated")[conf.get("KEPT_VERSIONS") :]:
        index_files.delete(version)
        version.delete()


def keys_in_scope(scope: str) -> list[str]:
    """Items that a run looks at.

    ``all`` includes items that are no longer visible but have rows; ``missing`` are visible items
    with a picture that has no row; ``failed`` are those with a picture that failed.
    """
    encoder: Encoder = conf.load("ENCODER")
    rows = Embedding.objects.filter(encoder=encoder.id)
    if scope == Run.Scope.FAILED:
        failed = rows.filter(removed=False).exclude(error="")
        return list(failed.order_by("item").values_list("item", flat=True).distinct())
    visible = catalog().visible_keys()
    if scope == Run.Scope.MISSING:
        return items_missing_an_image(visible, rows)
    indexed = rows.filter(removed=False).values_list("item", flat=True).distinct()
    return list(dict.fromkeys([*visible, *indexed]))


def items_missing_an_image(keys: list[str], rows: EmbeddingQuerySet) -> list[str]:
    """Those of the visible items that have a picture without a row."""
    present = set(rows.filter(removed=False).values_list("item", "image"))
    source = catalog()
    return [
        key
        for batch in batched(keys, 500)
        for key, item in source.by_key(batch).items()
        if any((key, name) not in present for name in files_by_name(source.images(item)))
    ]


def execute(run: Run, progress: Callable[[int], object] = lambda count: None) -> Run:
    """Do a run: refresh every item in its scope, then build and activate a version.

    ``progress`` is called with the number of items just done. A run with failed images ends as
    such; an error that stops it is recorded and raised.
    """
    try:
        keys = keys_in_scope(run.scope)
        run.state, run.items = Run.State.RUNNING, len(keys)
        # One whose process was killed begins anew.
        run.done = run.encoded = run.unchanged = run.removed = run.failed = 0
        run.save()
        for batch in batched(keys, conf.get("BATCH_SIZE")):
            counts = refresh_batch(batch)
            run.done += len(batch)
            for name, count in counts.items():
                setattr(run, name, getattr(run, name) + count)
            run.save()
            progress(len(batch))
        run.version = rebuild()
        run.state = Run.State.WITH_FAILURES if run.failed else Run.State.FINISHED
    except Exception as error:
        run.state, run.error = Run.State.FAILED, str(error)[:300]
        raise
    finally:
        run.finished = timezone.now()
        run.save()
    return run
