"""Find out which index version to search; this queries the database for every search."""

from __future__ import annotations

from contextvars import ContextVar
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connections
from django.db.models import Subquery

from ..catalogs import current_catalog_name
from ..exceptions import IndexNotReady
from ..models import IndexVersion, Revision, RulesRevision
from ..models.primary import database

State = IndexVersion.State

# Name of the catalog, and revision of its ranking rules, that this thread or task read last.
_rules: ContextVar[tuple[str, int] | None] = ContextVar("rules_revision", default=None)


class CurrentState(NamedTuple):
    """The state of a version in the database.

    ``version``: its id; ``revision``: the last change of embeddings that its saved index contains;
    ``items``: number of items in the saved index; ``newest``: the last change of embeddings in the
    database. ``rules``: the last change of the catalog's ranking rules, 0 if it never had any.
    """

    version: int
    revision: int
    items: int
    newest: int
    rules: int


def read_current_state(version: int | None) -> CurrentState:
    """Return the state of the version to search, with one query.

    ``version``: id of an index version, None for the active one. Raises IndexNotReady if it does
    not exist, is still being built, or failed.
    """
    catalog = current_catalog_name()
    sql, parameters = statement(version, catalog)
    with connections[database()].cursor() as cursor:
        cursor.execute(sql, parameters)
        row = cursor.fetchone()
    if row is None:
        raise IndexNotReady
    found, revision, items, newest, rules = row
    _rules.set((catalog, rules or 0))
    return CurrentState(found, revision, items, newest or 0, rules or 0)


def rules_revision() -> int:
    """Return the revision of the current catalog's ranking rules, as this search has read it.

    Costs a query if this thread or task has not called :func:`read_current_state`.
    """
    read = _rules.get()
    if read is not None and read[0] == current_catalog_name():
        return read[1]
    return RulesRevision.current()


@lru_cache(maxsize=64)
def statement(version: int | None, catalog: str) -> tuple[str, tuple[Any, ...]]:
    """Return the query's SQL and parameters, cached because building them takes longest."""
    newest = Revision.objects.filter(pk=1).values("value")
    rules = RulesRevision.everywhere.filter(catalog=catalog).values("value")
    rows = (
        IndexVersion.everywhere.filter(catalog=catalog)
        .exclude(state__in=(State.BUILDING, State.FAILED))
        .order_by()
    )
    chosen = rows.filter(state=State.ACTIVE) if version is None else rows.filter(pk=version)
    columns = chosen.annotate(newest=Subquery(newest), rules=Subquery(rules)).values_list(
        "pk", "revision", "items", "newest", "rules"
    )
    sql, parameters = columns.query.get_compiler(database()).as_sql()
    return sql, parameters
