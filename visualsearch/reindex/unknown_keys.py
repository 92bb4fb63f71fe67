"""Report keys that no item has, such as primary keys where the catalog uses another field."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.core.exceptions import ValidationError
from django.db import router
from django.db.models import QuerySet

from ..batched import MAX_PARAMETERS, batched
from ..catalogs import CatalogSource, all_catalogs, catalog
from ..models import Embedding

logger = logging.getLogger(__name__)
# Keys to name in one warning.
NAMED = 10


def warn_of_unknown(keys: Sequence[str]) -> None:
    """Log a warning if neither an item, on sale or not, nor a stored embedding has some key.

    The items and embeddings of all catalogs count.
    """
    stored: set[str] = set()
    for some in batched(keys, MAX_PARAMETERS):
        rows = Embedding.everywhere.filter(item__in=some)
        stored |= set(rows.values_list("item", flat=True).distinct())
    unknown = [key for key in keys if key not in stored]
    for source in all_catalogs() if unknown else ():
        found = source.by_key(unknown, items_of(source))
        unknown = [key for key in unknown if key not in found]
    if unknown:
        source = catalog()
        rest = f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
        logger.warning(
            "enqueue() was called with keys that no item of %s has: %s%s. %s",
            type(source).__name__,
            ", ".join(f"{key:.80}" for key in unknown[:NAMED]),
            rest,
            advice(source, unknown[:NAMED]),
        )


def items_of(source: CatalogSource) -> QuerySet[Any]:
    """Return all rows of a catalog's model, as they are in the database for writes."""
    return source.model._base_manager.using(router.db_for_write(source.model))


def advice(source: CatalogSource, unknown: Sequence[str]) -> str:
    """Return what to pass in place of unknown keys."""
    primary = []
    for each in unknown:
        with suppress(ValidationError):
            primary.append(source.model._meta.pk.to_python(each))
    given = "These are primary keys. " if items_of(source).filter(pk__in=primary).exists() else ""
    return f"{given}Pass values of the field “{source.key}”, or the items themselves."
