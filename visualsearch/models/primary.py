"""Base classes of this app's models.

Rows are read from the database that they are written to. A replica lags behind, and a search must
see what was indexed a moment ago, so a router's ``db_for_read`` does not apply. Rows that belong to
a catalog carry its name, and are found only while the process works for that catalog.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, ClassVar

from django.apps import apps
from django.db import connections, models, router, transaction
from django.utils.translation import gettext_lazy as _

from ..catalogs.names import MAX_CATALOG_NAME, current_catalog_name

# Longest key of an item, and longest name of an image in its storage.
MAX_KEY, MAX_NAME = 500, 1000


class PrimaryManager(models.Manager[Any]):
    """A manager whose querysets read from the database for writes."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().using(self._db or router.db_for_write(self.model))


class PrimaryModel(models.Model):
    """A model that is always read from the database for writes."""

    objects: ClassVar[models.Manager[Any]] = PrimaryManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"


class CatalogManager(PrimaryManager):
    """A manager whose querysets contain the current catalog's rows only."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(catalog=current_catalog_name())


class CatalogModel(PrimaryModel):
    """A model whose rows belong to one catalog; ``everywhere`` finds those of all catalogs."""

    catalog = models.CharField(
        _("catalog"),
        max_length=MAX_CATALOG_NAME,
        default=current_catalog_name,
        blank=True,
        editable=False,
    )

    objects: ClassVar[models.Manager[Any]] = CatalogManager()
    everywhere: ClassVar[models.Manager[Any]] = PrimaryManager()

    class Meta(PrimaryModel.Meta):
        abstract = True
        base_manager_name = "everywhere"


def database() -> str:
    """Return the alias of the database that this app's rows are in."""
    return router.db_for_write(apps.get_model("visualsearch", "IndexVersion"))


@contextmanager
def atomic() -> Iterator[None]:
    """Run the ``with`` block in a transaction of that database.

    SQLite's transactions begin as readers. One that wants to write after another process has
    written fails at once, whatever the timeout. So there the block begins with a write, which waits
    for its turn. In PostgreSQL the block sees what others have committed before it got a lock,
    whatever the shop's ``isolation_level``.
    """
    alias = database()
    connection = connections[alias]
    begins = connection.get_autocommit() and not connection.in_atomic_block
    with transaction.atomic(using=alias):
        if begins and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        if connection.vendor == "sqlite":
            revision = apps.get_model("visualsearch", "Revision")
            revision._base_manager.filter(pk=1).update(value=models.F("value"))
        yield


def end_hanging_transaction(seconds: float) -> None:
    """Let PostgreSQL end the current transaction if its process sends nothing for ``seconds``.

    Otherwise a frozen process would keep the locks of its transaction.
    """
    connection = connections[database()]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            milliseconds = round(1000 * seconds)
            cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = {milliseconds}")


@contextmanager
def one_session() -> Iterator[None]:
    """Keep one session of that database in the ``with`` block, for server-side cursors.

    PgBouncer in transaction mode may change the session between two transactions.
    """
    alias = database()
    needed = connections[alias].vendor == "postgresql"
    with transaction.atomic(using=alias) if needed else nullcontext():
        yield
