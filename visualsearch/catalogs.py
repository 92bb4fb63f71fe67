"""The shop's side of the bargain: which items there are, what they look like, who may see them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.db.models import CharField, Model, QuerySet
from django.db.models.fields.files import FieldFile
from django.db.models.functions import Cast

from . import conf
from .batches import batched
from .classes import class_name
from .facets import Choice, Ordering, Range

# Databases bound the parameters of one query; 32,766 is the lowest bound of those in use.
MAX_PARAMETERS = 10_000


class CatalogSource:
    """Subclass this, name it in ``VISUALSEARCH["CATALOG"]``, and the shop can be searched.

    Required: :attr:`model`, :meth:`images`, :meth:`card`. One instance serves all threads of a
    process, so keep no state in it.
    """

    model: ClassVar[type[Model]]
    """The model whose rows are items."""

    key: ClassVar[str] = "pk"
    """The unique field by which items are named in the API and in the index."""

    filterset_class: ClassVar[Any] = None
    """A django-filter ``FilterSet`` over :attr:`model`: its fields become query parameters."""

    facets: ClassVar[Sequence[Choice | Range]] = ()
    """Which of those filters customers are offered, with what is found of them."""

    orderings: ClassVar[Sequence[Ordering]] = ()
    """How customers may sort what was found, beside by likeness."""

    def visible(self) -> QuerySet[Any]:
        """Items that customers may see now. Nothing else is ever indexed or shown."""
        return self.model._default_manager.all()

    def listed(self) -> QuerySet[Any]:
        """The same items with what :meth:`card` shows; override it to fetch no more than that."""
        return self.visible()

    def images(self, item: Any) -> Iterable[FieldFile]:
        """The item's pictures, the main one first. Prefetch them in :meth:`visible`."""
        raise TypeError(f"{type(self).__name__} must define images()")

    def card(self, item: Any) -> dict[str, Any]:
        """What a result list shows of an item of :meth:`listed`; must be serialisable to JSON.

        ``key``, ``name``, ``url`` and ``image`` are expected; add what the shop's pages need.
        """
        raise TypeError(f"{type(self).__name__} must define card()")

    def suggested(self) -> QuerySet[Any]:
        """Of :meth:`listed`, what to show first to who cannot search by photo right now."""
        return self.listed()

    def categories(self, classes: Iterable[str]) -> set[str]:
        """Of a model's classes, those that the filter ``category`` takes like the shop's own.

        They are offered to customers, and may be applied by ``category=auto``.
        """
        return set()

    def category_name(self, value: str) -> str:
        """What customers read for a value of the filter ``category``: the shop's or a class."""
        return class_name(value)

    def watched(self) -> Mapping[type[Model], Callable[[Any], Any]]:
        """Models whose saving or deleting changes an item, and how to get its key from a row."""
        return {self.model: self.key_of}

    def key_of(self, item: Any) -> str:
        """The item's key as text."""
        return str(getattr(item, self.key))

    def by_key(self, keys: Iterable[str], among: QuerySet[Any] | None = None) -> dict[str, Any]:
        """The visible ones among the items with these keys, as :meth:`visible` fetches them.

        ``among``: :meth:`listed`, where only cards are wanted.
        """
        rows = self.visible() if among is None else among
        meta = self.model._meta
        field: Any = meta.pk if self.key == "pk" else meta.get_field(self.key)
        values = []
        for key in keys:
            # No item can have a NUL in its key, and PostgreSQL refuses to look.
            if "\x00" not in key:
                with suppress(ValidationError):
                    values.append(field.clean(key, None))
        found = {}
        for some in batched(values, MAX_PARAMETERS):
            for item in rows.filter(**{f"{self.key}__in": some}):
                found[self.key_of(item)] = item
        return found

    def visible_keys(self) -> list[str]:
        """Keys of all visible items, in a stable order."""
        rows = self.visible().order_by(self.key).values_list(self.key, flat=True)
        return [str(key) for key in rows]

    def image_url(self, name: str) -> str:
        """Where a browser finds a picture that :meth:`images` named."""
        return default_storage.url(name)

    def filterset(self, params: Mapping[str, Any]) -> Any:
        """The shop's filters with these values, or None when none of them is set.

        Raises :class:`django.core.exceptions.ValidationError` with messages by parameter.
        """
        if self.filterset_class is None:
            return None
        if not any(params.get(name) for name in self.filterset_class.base_filters):
            return None
        filterset = self.filterset_class(params, queryset=self.visible())
        if not filterset.is_valid():
            raise ValidationError({name: list(text) for name, text in filterset.errors.items()})
        return filterset

    def filtered_keys(self, params: Mapping[str, Any]) -> QuerySet[Any] | None:
        """Keys, as text, of the items that the shop's filters leave; None when none is set.

        A query and not a list: it becomes a part of the one that finds the embeddings.
        """
        filterset = self.filterset(params)
        if filterset is None:
            return None
        keys = filterset.qs.order_by().annotate(key_as_text=Cast(self.key, CharField()))
        return keys.values("key_as_text")


def catalog() -> CatalogSource:
    """The shop's catalog source."""
    source: CatalogSource = conf.load("CATALOG")
    return source
