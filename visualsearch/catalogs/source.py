"""The interface between a shop and the search: items, their images, and who may see them."""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import Any, ClassVar, TypeVar

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.core.files.storage import default_storage
from django.db import DatabaseError
from django.db.models import FileField, Model, Q, QuerySet
from django.db.models.fields.files import FieldFile
from django.http import HttpRequest
from rest_framework.utils.encoders import JSONEncoder

from ..class_names import class_name
from ..facets import Choice, Ordering, Range
from . import words
from .image_files import ImageFile, UrlFile, is_url, url_in
from .item_rows import ItemRows
from .query_values import is_given, query_of
from .watching import affected, is_watched

logger = logging.getLogger(__name__)

# Items from which to learn the storage of images, if no watched model has any.
SAMPLE = 20

T = TypeVar("T")

_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


class CatalogSource(ItemRows):
    """Base class of a shop's catalog; name the subclass in ``VISUALSEARCH["CATALOG"]``.

    Required: :attr:`model`, :meth:`images`, :meth:`card`. One instance serves all threads of a
    process, so keep no state in it.
    """

    catalog_name: str = ""
    """The name of this catalog in ``VISUALSEARCH["CATALOGS"]``, set when the app loads it."""

    filterset_class: ClassVar[Any] = None
    """A django-filter ``FilterSet`` over :attr:`model`: its fields become query parameters."""

    facets: ClassVar[Sequence[Choice | Range]] = ()
    """The filters to offer customers, with counts of their values among the best hits."""

    orderings: ClassVar[Sequence[Ordering]] = ()
    """Sort orders to offer customers besides similarity."""

    colours: ClassVar[Mapping[str, str]] = {}
    """The shop's own names of colours, each with its value, such as ``#1f2a44``."""

    out_of_stock: ClassVar[Mapping[str, Any]] = {}
    """The arguments of ``filter()`` that select the items of :attr:`model` that are out of stock.

    For example ``{"stock": 0}``. Ranking rules can then put these last or hide them.
    """

    thumbnails: ClassVar[bool] = False
    """Whether :meth:`image_url` returns URLs of thumbnails instead of those of the files."""

    def listed(self) -> QuerySet[Any]:
        """Return :meth:`visible` items for :meth:`card`; override it to fetch what cards need."""
        return self.visible()

    def images(self, item: Any) -> Iterable[FieldFile | str]:
        """Return the item's images, the main one first; prefetch them in :meth:`visible`.

        Each is the value of a file field, of any storage, or a URL that starts with ``http``. An
        address from a supplier is downloaded only if it is public, or in ``FETCH_NETWORKS``.
        """
        raise TypeError(f"{type(self).__name__} must define images()")

    def files(self, item: Any) -> list[ImageFile]:
        """Return :meth:`images` as files, without empty fields.

        Raises TypeError for anything that is neither the value of a file field nor a URL.
        """
        files: list[ImageFile] = []
        for image in self.images(item):
            if isinstance(image, FieldFile):
                if image:
                    files.append(image)
            elif isinstance(image, str) and is_url(image):
                files.append(UrlFile(image))
            elif image:
                raise TypeError(
                    f"{type(self).__name__}.images() must return file fields or URLs, not {image!r}"
                )
        return files

    def safe_files(self, item: Any) -> list[ImageFile]:
        """Return :meth:`files` of an item; [], after logging the error, if it raises one.

        So one broken product cannot stop a reindex.
        """
        return self.attempt(self.files, item, "images() failed, so it is not indexed") or []

    def card(self, item: Any, request: HttpRequest | None = None) -> dict[str, Any]:
        """Return what a result list shows of an item of :meth:`listed`, as JSON values.

        ``key``, ``name``, ``url`` and ``image`` are expected; add what the shop's pages need.
        ``request``: the request to answer, so that prices can depend on the customer; None outside
        of requests. A subclass may leave the parameter out.
        """
        raise TypeError(f"{type(self).__name__} must define card()")

    @cached_property
    def request_parameter(self) -> inspect.Parameter | None:
        """The second parameter of :meth:`card`, None without one."""
        parameters = list(inspect.signature(self.card).parameters.values())
        return parameters[1] if len(parameters) > 1 else None

    @property
    def card_takes_request(self) -> bool:
        """Whether cards depend on the request."""
        return self.request_parameter is not None

    def card_now(self, item: Any) -> dict[str, Any]:
        """Return :meth:`card` of an item for the request that this thread answers, if any."""
        second = self.request_parameter
        if second is None:
            return self.card(item)
        if second.kind in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD):
            return self.card(item, request=_request.get())
        return self.card(item, _request.get())

    def safe_card(self, item: Any) -> dict[str, Any] | None:
        """Return :meth:`card_now` of an item; None, after logging the error, if it raises one.

        So one broken product is missing from a page, and the others are shown.
        """
        return self.attempt(self.checked_card, item, "card() failed, so it is not shown")

    def checked_card(self, item: Any) -> dict[str, Any]:
        """Return :meth:`card_now` of an item; raise TypeError or ValueError if it is not JSON."""
        card = self.card_now(item)
        if not isinstance(card, Mapping):
            raise TypeError(f"it returned {card!r} and not a dict")
        json.dumps(card, cls=JSONEncoder, allow_nan=False, ensure_ascii=False).encode()
        return {"key": self.key_of(item), **card}

    def attempt(self, make: Callable[[Any], T], item: Any, failure: str) -> T | None:
        """Return what ``make`` returns for an item; None, after logging ``failure``, on an error.

        Raises errors of the database, which are not the item's.
        """
        try:
            return make(item)
        except DatabaseError:
            raise
        except Exception:
            logger.exception("%s, item %s: %s.", type(self).__name__, self.key_of(item), failure)
            return None

    def suggested(self) -> QuerySet[Any]:
        """Return items of :meth:`listed`, best first, for the empty search page and for outages."""
        return self.listed()

    def categories(self, classes: Iterable[str]) -> set[str]:
        """Return those of ``classes`` that the shop's filter ``category`` accepts as values.

        ``classes``: labels of the model. Customers are offered the returned ones, and
        ``category=auto`` may apply them.
        """
        return set()

    def category_name(self, value: str) -> str:
        """Return the name that customers read for a value of the filter ``category``.

        ``value``: one of the shop's own categories, or a class of the model.
        """
        return class_name(value)

    def word_condition(self, word: str) -> Q | None:
        """Return the condition for the items that a word describes, None for no text search.

        By default it looks into :attr:`search_fields`; override it to use a text search of the
        shop's own.
        """
        return words.condition(self, word)

    def apply_tags(self, item: Any, tags: Mapping[str, str]) -> None:
        """Write accepted tags to an item of :meth:`visible` and save it; optional.

        ``tags``: ``class`` (a label of the model) or ``colour`` (a key of
        :data:`visualsearch.photos.colour_names.WORDS`), as its picture shows them.
        """
        raise TypeError(f"{type(self).__name__} must define apply_tags() to accept tags")

    @property
    def takes_tags(self) -> bool:
        """Whether the shop has defined :meth:`apply_tags`."""
        return type(self).apply_tags is not CatalogSource.apply_tags

    @property
    def takes_words(self) -> bool:
        """Whether customers may add words to a photo."""
        own = type(self).word_condition is not CatalogSource.word_condition
        return bool(self.search_fields) or own

    def watched(self) -> Mapping[type[Model], Callable[[Any], Any]]:
        """Return the models whose changes affect items, each with a function that finds the items.

        The function gets a saved or deleted row of the model, or of a proxy or subclass of it. It
        returns the key of an item, an item, several of either, or None for no item.
        """
        return {self.model: self.key_of}

    def watches(self, model: type[Model]) -> bool:
        """Return whether rows of a model affect items; False, after logging it, on an error."""
        if model not in self.known_models:
            try:
                self.known_models[model] = is_watched(model, self.watched())
            except Exception:
                logger.exception("%s.watched() failed.", type(self).__name__)
                return False
        return self.known_models[model]

    @cached_property
    def known_models(self) -> dict[type[Model], bool]:
        """Whether a model is watched, for models that were asked for."""
        return {}

    def keys_affected_by(self, row: Model) -> list[str]:
        """Return the keys of the items that a row affects, by :meth:`watched`.

        An error of the shop's function is logged, so that it cannot stop the shop from saving.
        """
        keys: list[str] = []
        try:
            for each in affected(row, self.watched()):
                keys.append(self.key_of(each) if isinstance(each, self.model) else str(each))
        except ObjectDoesNotExist:
            pass  # an image of a deleted product, whose own deletion was recorded
        except Exception:
            logger.exception(
                "%s.watched() failed for a row of %s, so its items are not reindexed.",
                type(self).__name__,
                type(row).__name__,
            )
        return keys

    def image_url(self, name: str) -> str:
        """Return the URL of an image by its name in the storage.

        The storage is that of the file fields of the watched models. If they have several, it is
        that of the field that contains the name, which costs a query for each; override this method
        to save it.
        """
        if is_url(name):
            return name
        storages = {id(field.storage): field.storage for field in self.file_fields}
        if len(storages) > 1:
            for field in self.file_fields:
                if field.model._base_manager.filter(**{field.name: name}).exists():
                    return field.storage.url(name)
        return url_in(next(iter(storages.values()), default_storage), name)

    @cached_property
    def file_fields(self) -> list[FileField]:
        """The file fields of the watched models, found once because each hit needs its address.

        Without any, those of the first items' images.
        """
        fields = [field for model in (self.model, *self.watched()) for field in model._meta.fields]
        found = [field for field in fields if isinstance(field, FileField)]
        if not found:
            files = [file for item in self.visible()[:SAMPLE] for file in self.safe_files(item)]
            found = [file.field for file in files if isinstance(file, FieldFile)]
        return found

    def filterset(self, params: Mapping[str, Any]) -> Any:
        """Return the shop's filter set for query parameters; None if they set no filter.

        Raises :class:`django.core.exceptions.ValidationError`, with messages by parameter, if a
        value is invalid.
        """
        if self.filterset_class is None or not any(params.values()):
            return None
        data = query_of(params)
        filterset = self.filterset_class(data, queryset=self.visible(), request=_request.get())
        fields = filterset.form.fields.items()
        if not any(is_given(field.widget, data, name) for name, field in fields):
            return None
        if not filterset.is_valid():
            raise ValidationError({name: list(text) for name, text in filterset.errors.items()})
        return filterset

    def filtered(self, params: Mapping[str, Any], where: Sequence[Q] = ()) -> QuerySet[Any] | None:
        """Return the visible items that pass the filters and meet the conditions ``where``.

        ``params``: the query parameters. None if no filter is set and there are no conditions.
        Raises ValidationError for an invalid value.
        """
        filterset = self.filterset(params)
        if filterset is None and not where:
            return None
        rows: QuerySet[Any] = self.visible() if filterset is None else filterset.qs
        for condition in where:
            # Two conditions on related rows, such as tags, need not hold for the same row.
            rows = rows.filter(condition)
        return rows

    def filtered_keys(
        self, params: Mapping[str, Any], where: Sequence[Q] = ()
    ) -> QuerySet[Any] | None:
        """Return a queryset of the keys, as text, of the items that :meth:`filtered` returns.

        The queryset is used as a subquery.
        """
        rows = self.filtered(params, where)
        return None if rows is None else self.keys_as_text(rows)

    def sold_out(self) -> QuerySet[Any] | None:
        """Return the visible items that are out of stock, by :attr:`out_of_stock`.

        None if the shop does not say. Override it where that takes more than ``filter()``.
        """
        return self.visible().filter(**self.out_of_stock) if self.out_of_stock else None

    def keys_as_text(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return a queryset of the keys of some items, as the text in ``key_as_text``."""
        rows = rows.order_by()
        return rows.annotate(key_as_text=self.key_as_text(rows.db)).values("key_as_text")


@contextmanager
def cards_for(request: HttpRequest | None) -> Iterator[None]:
    """Pass ``request`` to :meth:`CatalogSource.card` in the ``with`` block."""
    before = _request.set(request)
    try:
        yield
    finally:
        _request.reset(before)
