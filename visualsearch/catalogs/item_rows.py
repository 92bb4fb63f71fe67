"""Read the rows of a catalog's items."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import chain
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import connections, router
from django.db.models import CharField, IntegerField, Model, QuerySet, UUIDField, Value
from django.db.models.functions import Cast, Concat, Substr

from ..batched import MAX_PARAMETERS, batched

# Start and length of the groups of digits in the text of a UUID.
UUID_GROUPS = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))


class ItemRows:
    """The part of :class:`~visualsearch.catalogs.CatalogSource` that reads the rows of items."""

    model: ClassVar[type[Model]]
    """The model whose rows are items."""

    key: ClassVar[str] = "pk"
    """The unique field that identifies items in the API and in the index."""

    group: ClassVar[str] = ""
    """The field or lookup with an item's group, such as its style or parent product.

    Results show one item per group, and the others as its variants. "" for a catalog without
    groups. Use a field with an index, or an annotation of :meth:`visible`.
    """

    search_fields: ClassVar[Sequence[str]] = ()
    """The fields and lookups in which to find customers' words, such as ``category__name``."""

    def visible(self) -> QuerySet[Any]:
        """Return the items that customers may see now; no other item is ever indexed or shown."""
        return self.model._default_manager.all()

    def key_of(self, item: Any) -> str:
        """Return the item's key as text."""
        return str(getattr(item, self.key_attribute))

    @cached_property
    def key_attribute(self) -> str:
        """The attribute of an item with its key; of a relation, the one with the other's key."""
        field: Any = None if self.key == "pk" else self.model._meta.get_field(self.key)
        return field.attname if field else "pk"

    def by_key(self, keys: Iterable[str], among: QuerySet[Any] | None = None) -> dict[str, Any]:
        """Return the visible items with these keys, as a dict by key; unknown keys are ignored.

        ``among``: the queryset to search, by default :meth:`visible`; pass :meth:`listed` for
        cards.
        """
        rows = self.visible() if among is None else among
        found = {}
        for some in batched(self.key_values(keys), MAX_PARAMETERS):
            for item in rows.filter(**{f"{self.key}__in": some}):
                found[self.key_of(item)] = item
        return found

    def key_values(self, keys: Iterable[str]) -> list[Any]:
        """Return keys as values of their field, without those that no item can have."""
        field, values = self.key_field(), []
        for key in keys:
            # PostgreSQL rejects NUL in a parameter, and no key can contain it.
            if "\x00" not in key:
                with suppress(ValidationError):
                    value = field.to_python(key)
                    if isinstance(field, IntegerField):
                        field.run_validators(value)  # the range of the column
                    values.append(value)
        return values

    def visible_keys(self) -> list[str]:
        """Return the keys of all visible items, in a stable order."""
        # Read the primary database, because a replica may lack the latest changes.
        rows = self.visible().using(router.db_for_write(self.model))
        rows = rows.order_by(self.key).values_list(self.key, flat=True)
        return [str(key) for key in rows]

    def keys_between(self, after: str, upto: str = "", limit: int | None = None) -> list[str]:
        """Return keys of visible items above ``after`` and up to ``upto``, in the database's order.

        Both are keys; "" means without a bound. ``limit``: most keys to return. So a large catalog
        can be read in pieces.
        """
        rows = self.visible().using(router.db_for_write(self.model)).order_by(self.key)
        for lookup, key in (("gt", after), ("lte", upto)):
            if key:
                rows = rows.filter(**{f"{self.key}__{lookup}": self.key_field().to_python(key)})
        values = rows.values_list(self.key, flat=True)[:limit]
        return list(dict.fromkeys(str(value) for value in values))

    def keys_visible(self, keys: Iterable[str]) -> set[str]:
        """Return those of ``keys`` whose item is visible."""
        rows = self.visible().using(router.db_for_write(self.model)).order_by()
        found: set[str] = set()
        for some in batched(self.key_values(keys), MAX_PARAMETERS):
            values = rows.filter(**{f"{self.key}__in": some}).values_list(self.key, flat=True)
            found |= {str(value) for value in values}
        return found

    def count_visible(self) -> int:
        """Return the number of visible items."""
        rows = self.visible().using(router.db_for_write(self.model)).order_by()
        return rows.values(self.key).distinct().count()

    def key_field(self) -> Any:
        """Return the model field that :attr:`key` names; of a relation, the field it refers to."""
        meta = self.model._meta
        field: Any = meta.pk if self.key == "pk" else meta.get_field(self.key)
        while field.remote_field:
            field = field.target_field
        return field

    def key_as_text(self, using: str) -> Any:
        """Return a database expression for the text that :meth:`key_of` returns."""
        text = Cast(self.key, CharField())
        native = connections[using].features.has_native_uuid_field
        if not isinstance(self.key_field(), UUIDField) or native:
            return text
        # Such a database stores 32 digits; the text of a UUID has them in five groups.
        first, *others = [Substr(text, start, size) for start, size in UUID_GROUPS]
        rest = chain.from_iterable((Value("-"), group) for group in others)
        return Concat(first, *rest, output_field=CharField())
