"""Make ranking rules for tests, and ask for their effects as a search does."""

from __future__ import annotations

from typing import Any

from visualsearch.models import RankingRule
from visualsearch.search.rules import Effects, effects_for
from visualsearch.serving.current_state import read_current_state

Action, Products = RankingRule.Action, RankingRule.Products


def rule(action: str, *keys: str, **values: Any) -> RankingRule:
    """Create a rule for chosen products; for a filter with ``filters=``."""
    if "filters" in values:
        values["selection"] = Products.FILTER
    return RankingRule.objects.create(**{"name": "r", "action": action, "keys": keys, **values})


def stock_rule(action: str, **values: Any) -> RankingRule:
    """Create a rule for all products that are out of stock."""
    return rule(action, selection=Products.OUT_OF_STOCK, **values)


def effects(**asked: Any) -> Effects | None:
    """Return the effects on a search that reads the state of its index first, as all do."""
    read_current_state(None)
    nothing = {"category": None, "label": None, "storefront": None, "experiment": None}
    return effects_for(**{**nothing, "variant": "", **asked})
