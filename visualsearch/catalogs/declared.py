"""Catalogs that are declared by the names of fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist
from django.db import router
from django.db.models import Model, QuerySet
from django.db.models.fields.files import FieldFile
from django.http import HttpRequest

from .source import CatalogSource


class ModelCatalog(CatalogSource):
    """A catalog that is declared: a subclass names fields, and needs no methods.

    Any method of :class:`CatalogSource` may still be overridden.
    """

    picture: ClassVar[str]
    """Lookup from :attr:`model` to a file field or to a field with URLs.

    For example ``image`` or ``pictures__file``.
    """

    name: ClassVar[str] = ""
    """The field with the name for customers; "" stands for the item's text."""

    published: ClassVar[Mapping[str, Any]] = {}
    """The arguments of ``filter()`` that select the items on sale."""

    def visible(self) -> QuerySet[Any]:
        """Return the items that :attr:`published` selects, with their pictures prefetched."""
        rows = super().visible().filter(**self.published)
        attributes = [relation.attribute for relation in self.path()[0]]
        return rows.prefetch_related("__".join(attributes)) if attributes else rows

    def path(self) -> tuple[list[Relation], str]:
        """Return the relations on the way from an item to its image field, and that field."""
        *names, field = self.picture.split("__")
        relations, model = [], self.model
        for name in names:
            relations.append(relation_named(model, name))
            model = relations[-1].model
        return relations, field

    def images(self, item: Any) -> list[FieldFile | str]:
        """Return the files or URLs of the fields that :attr:`picture` names."""
        relations, field = self.path()
        rows = [item]
        for relation in relations:
            rows = [other for row in rows for other in related(row, relation.attribute)]
        return [file for row in rows if (file := getattr(row, field))]

    def card(self, item: Any, request: HttpRequest | None = None) -> dict[str, Any]:
        """Return key, name, address and first picture of an item."""
        pictures = self.files(item)
        address = getattr(item, "get_absolute_url", None)
        return {
            "key": self.key_of(item),
            "name": str(getattr(item, self.name) if self.name else item),
            "url": address() if address else None,
            "image": pictures[0].url if pictures else None,
        }

    def watched(self) -> Mapping[type[Model], Callable[[Any], Any]]:
        """Return the item's model and the models on the way to its pictures."""
        found: dict[type[Model], Callable[[Any], Any]] = {self.model: self.key_of}
        lookup: list[str] = []
        for relation in self.path()[0]:
            lookup.append(relation.query_name)
            found.setdefault(relation.model, partial(self.items_with, "__".join(lookup)))
        return found

    def items_with(self, lookup: str, row: Model) -> list[Any]:
        """Return the items that are related to a row; ``lookup``: from an item to the row."""
        using = row._state.db or router.db_for_write(self.model)
        return list(self.model._base_manager.using(using).filter(**{lookup: row}))


@dataclass(frozen=True, kw_only=True)
class Relation:
    """A relation of a model: as an attribute of its rows, in queries, and the model it leads to."""

    attribute: str
    query_name: str
    model: type[Model]


def relation_named(model: type[Model], name: str) -> Relation:
    """Return the relation of a model that has this name as an attribute or in queries.

    Raises FieldDoesNotExist if there is none.
    """
    fields: list[Any] = model._meta.get_fields()
    for field in fields:
        accessor = getattr(field, "get_accessor_name", None)
        attribute = accessor() if accessor else field.name
        if field.is_relation and name in (attribute, field.name):
            return Relation(attribute=attribute, query_name=field.name, model=field.related_model)
    raise FieldDoesNotExist(f"{model.__name__} has no relation {name}")


def related(row: Any, accessor: str) -> list[Any]:
    """Return the rows that one is related to by an attribute, which may be a manager."""
    try:
        found = getattr(row, accessor)
    except ObjectDoesNotExist:  # the other side of a OneToOneField
        return []
    if hasattr(found, "all"):
        return list(found.all())
    return [] if found is None else [found]
