"""Test the figures of ranking rules: searches, shown products, clicks."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.helpers.rules import rule
from visualsearch.analytics.insights import Period
from visualsearch.analytics.rule_figures import rule_figures
from visualsearch.models import Event, Query

pytestmark = pytest.mark.django_db


def searched(rules=None, clicked=()):
    query = Query.objects.create(
        encoder="x", vector=b"", shown={"P1": 1, "P2": 2, "P3": 3}, rules=rules
    )
    for item in clicked:
        Event.objects.create(query=query, kind="click", item=item, rank=1)


def found():
    return rule_figures(Period.last(7, now=timezone.now()))


def test_figures__of_each_rule(sold):
    one, two = rule("pin", "P1"), rule("hide", "P2")
    searched({str(one.pk): ["P1", "P2"], str(two.pk): ["P3"]}, clicked=["P1", "P3"])
    searched({str(one.pk): ["P1"]}, clicked=["P2"])  # not a product of the rule
    searched(clicked=["P1"])
    searched()
    figures = found()
    assert (figures.touched.part, figures.touched.whole) == (2, 2)
    assert (figures.others.part, figures.others.whole) == (1, 2)
    assert [(each.rule, each.searches) for each in figures.rules] == [(one, 2), (two, 1)]
    assert [(each.clicks.part, each.clicks.whole) for each in figures.rules] == [(1, 3), (1, 1)]


def test_figures__none_without_touched_searches(sold):
    searched(clicked=["P1"])
    assert found() is None


def test_page__names_deleted_rules_by_number(admin_client, sold):
    one = rule("pin", "P1", name="mine")
    searched({str(one.pk): ["P1"], "99": ["P2"]}, clicked=["P1"])
    page = admin_client.get(reverse("admin:visualsearch_insights")).content.decode()
    assert "Show first: mine" in page
    assert "deleted rule 99" in page
