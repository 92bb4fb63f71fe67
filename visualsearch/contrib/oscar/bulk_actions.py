"""Reindex products after bulk actions of oscar's dashboard, which send no signals."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from oscar.core.loading import get_classes

from ...catalogs import catalog
from ...signal_handlers import enqueue

# Attribute that marks an action whose products are already reindexed after it.
FOLLOWED = "visualsearch_follows"


def follow() -> None:
    """Reindex the products of each bulk action that makes products public or non-public.

    The shop's own actions are followed if they derive from oscar's. Prices and categories are read
    at each search, so actions on them need no reindex.
    """
    (mixin,) = get_classes("dashboard.catalogue.mixins", ["ProductBulkActionMixin"])
    (base,) = get_classes("dashboard.catalogue.bulk_actions", ["BaseSetProductsPublicStatusAction"])
    for action in mixin.intermediate_actions.values():
        if isinstance(action, base) and not hasattr(action, FOLLOWED):
            follow_action(action)


def follow_action(action: Any) -> None:
    """Let an action reindex its products after it is executed."""
    execute = action.execute

    def execute_and_reindex(request: HttpRequest, objects: Any, form: Any) -> Any:
        source = catalog()
        keys = [key for product in objects for key in source.keys_affected_by(product)]
        response = execute(request, objects, form)
        enqueue(keys)
        return response

    action.execute = execute_and_reindex
    setattr(action, FOLLOWED, True)
