"""Figures of the ranking rules in a period: what each touched, and whether customers clicked it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db.models import Count

from ..models import Event, Query, RankingRule
from ..models.primary import one_session
from .insights import Period
from .statistics import Share

# The figures are of at most this many of the newest searches that a rule touched.
SAMPLE = 20_000


@dataclass(frozen=True, kw_only=True)
class RuleFigures:
    """The figures of one rule in a period.

    ``rule``: None if it was deleted; ``pk``: its primary key. ``searches``: those in which it acted
    on a shown product; ``clicks``: clicked products out of the shown ones that it acted on.
    """

    pk: int
    rule: RankingRule | None
    searches: int
    clicks: Share


@dataclass(frozen=True, kw_only=True)
class RulesFigures:
    """The figures of all rules, and the searches with a click among touched and other searches.

    ``rules``: the rule that touched most searches first. ``sampled``: number of touched searches
    that ``rules`` cover.
    """

    touched: Share
    others: Share
    rules: list[RuleFigures]
    sampled: int


def rule_figures(period: Period) -> RulesFigures | None:
    """Return the figures of a period, None if no rule touched any search."""
    searches = period.of(Query)
    touched = searches.filter(rules__isnull=False)
    count = touched.count()
    if not count:
        return None
    clicks = period.of(Event, "query__").filter(kind=Event.Kind.CLICK).order_by()
    clicked = clicks.aggregate(n=Count("query", distinct=True))["n"]
    among_touched = clicks.filter(query__rules__isnull=False)
    clicked_touched = among_touched.aggregate(n=Count("query", distinct=True))["n"]
    rules, sampled = by_rule(period)
    return RulesFigures(
        touched=Share(part=clicked_touched, whole=count),
        others=Share(part=clicked - clicked_touched, whole=searches.count() - count),
        rules=rules,
        sampled=sampled,
    )


def by_rule(period: Period) -> tuple[list[RuleFigures], int]:
    """Return the figures of each rule, and the number of searches that they are of."""
    searches, shown, clicked = Counter[int](), Counter[int](), Counter[int]()
    newest = period.of(Query).filter(rules__isnull=False).order_by("-created")
    with one_session():
        rows = list(newest.values_list("pk", "rules")[:SAMPLE])
        events = period.of(Event, "query__").filter(
            kind=Event.Kind.CLICK, query__rules__isnull=False
        )
        clicks = set(events.order_by().values_list("query", "item"))
    for query, rules in rows:
        for text, items in rules.items():
            pk = int(text)
            searches[pk] += 1
            shown[pk] += len(items)
            clicked[pk] += sum((query, item) in clicks for item in items)
    known = RankingRule.objects.in_bulk(list(searches))
    figures = [
        RuleFigures(
            pk=pk,
            rule=known.get(pk),
            searches=count,
            clicks=Share(part=clicked[pk], whole=shown[pk]),
        )
        for pk, count in searches.most_common()
    ]
    return figures, len(rows)
