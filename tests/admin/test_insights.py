import csv
import io
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.helpers.traces import leave_traces
from visualsearch.admin import exports
from visualsearch.admin.insight_charts import changed
from visualsearch.analytics.statistics import Share
from visualsearch.models import Event, Query, Refusal, Storefront

PAGE = reverse("admin:visualsearch_insights")
SEARCHES = reverse("admin:visualsearch_export_searches")
REFUSALS = reverse("admin:visualsearch_export_refusals")

pytestmark = pytest.mark.django_db


def storefront(name="app"):
    shop = Storefront(name=name)
    shop.new_key()
    shop.save()
    return shop


def text_of(response):
    return response.content.decode()


def lines_of(response):
    content = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(content)))


def test_page__of_a_shop_that_nobody_searched(admin_client):
    page = text_of(admin_client.get(PAGE))
    assert "No searches in this period" in page
    assert "vs-plot" not in page


def test_page__says_what_counts_first(admin_client, sell):
    sell("P1")
    leave_traces(days=5, per_day=40)
    count = Query.objects.count()
    response = admin_client.get(PAGE, {"days": 30})
    tile = response.context["tiles"][0]
    assert (tile.label, tile.value, tile.change) == ("searches", str(count), "")
    page = text_of(response)
    for name in ("matched", "clicked", "Click-through rate by rank", "Photos that failed", "Hat"):
        assert name in page


def test_page__changes_against_the_period_before(admin_client):
    leave_traces(days=14, per_day=40)
    early = list(Query.objects.order_by("created").values_list("pk", flat=True)[:150])
    Query.objects.filter(pk__in=early).update(matched=False)
    changes = {tile.label: tile.change for tile in admin_client.get(PAGE).context["tiles"]}
    assert re.fullmatch(r"[+−][\d,]+\xa0%", changes["searches"])
    assert re.fullmatch(r"\+\d\d\.\d points", changes["matched"])


def test_changes__are_told_where_they_are_more_than_chance():
    many, few = Share(part=700, whole=1000), Share(part=7, whole=10)
    assert changed(many, Share(part=600, whole=1000)) == "+10.0 points"
    assert changed(Share(part=600, whole=1000), many) == "−10.0 points"
    assert changed(few, Share(part=600, whole=1000)) == ""
    assert changed(many, Share(part=0, whole=0)) == ""


def test_page__says_how_events_come_in(admin_client):
    leave_traces(days=2, per_day=20)
    assert "POST events/" not in text_of(admin_client.get(PAGE))
    Event.objects.all().delete()
    page = text_of(admin_client.get(PAGE))
    assert "POST events/" in page
    assert "No clicks in this period" in page


def test_page__only_refusals(admin_client):
    Refusal.objects.create(code="image_too_large")
    Refusal.objects.create(code="of_a_plugin")
    page = text_of(admin_client.get(PAGE))
    assert "file too large" in page
    assert "of_a_plugin" in page
    assert "100\xa0%" in page


def test_page__of_one_storefront(admin_client):
    assert "<select" not in text_of(admin_client.get(PAGE)).split('id="content-main"')[1]
    shop = storefront()
    leave_traces(days=3, per_day=20, storefronts=[None, shop])
    response = admin_client.get(PAGE, {"storefront": shop.pk})
    assert response.context["found"].totals.searches == shop.query_set.count() > 0
    assert f"{SEARCHES}?days=7&amp;storefront={shop.pk}" in text_of(response)


@pytest.mark.parametrize(
    "params",
    [
        {"days": "8"},
        {"days": "x"},
        {"days": "²"},
        {"days": "9" * 5000},
        {"storefront": "x"},
        {"storefront": "9" * 30},
    ],
)
def test_page__what_is_odd_in_its_address_is_nothing(admin_client, params):
    response = admin_client.get(PAGE, params)
    assert (response.context["choice"].days, response.context["choice"].storefront) == (7, None)


def test_page__has_a_table_for_every_plot_and_nothing_inline(admin_client):
    leave_traces(days=3, per_day=30)
    page = text_of(admin_client.get(PAGE))
    plots = page.count('class="vs-plot" role="img" aria-label="')
    assert plots == page.count('<details class="vs-details">') == 4
    assert "style=" not in page
    assert "<script>" not in page


def test_page__in_french_keeps_its_attributes(admin_client):
    leave_traces(days=3, per_day=30)
    page = text_of(admin_client.get(PAGE, headers={"accept-language": "fr"}))
    for value in re.findall(r' (?:x|y|x1|y1|width|height|d)="([^"]*)"', page):
        assert "," not in value


def test_page__asks_the_database_no_more_with_more_rows(admin_client, queries, sell):
    sell("P1")
    leave_traces(days=3, per_day=10)
    before = queries(admin_client, PAGE)
    leave_traces(days=3, per_day=40, seed=2)
    assert queries(admin_client, PAGE) == before


@pytest.mark.parametrize("url", [PAGE, SEARCHES, REFUSALS])
def test_every_address__needs_its_permission(client, staff, url):
    assert client.get(url).status_code == 302
    assert staff("view_indexversion").get(url).status_code == 403
    viewer = staff("view_query")
    assert viewer.get(url).status_code == 200
    assert viewer.post(url).status_code == 405


def test_export__a_line_for_each_search(admin_client):
    shop = storefront("Café")
    query = Query.objects.create(
        storefront=shop,
        visitor="f" * 32,
        encoder="fake-1",
        index_version=4,
        vector=b"x",
        predictions=[{"label": "hat", "probability": 0.9}, {"label": "x", "probability": 0.1}],
        best_score=-0.25,
        matched=True,
        took_ms={"encode": 12.5, "total": 20.0},
        shown={"A": 1, "B": 2, "C": 3},
    )
    for kind, item, rank in [("view", "A", 1), ("click", "C", 3), ("click", "A", 1)]:
        Event.objects.create(query=query, kind=kind, item=item, rank=rank)
    response = admin_client.get(SEARCHES)
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="searches-')
    assert "no-store" in response["Cache-Control"]
    (line,) = lines_of(response)
    expected = {"id": str(query.pk), "storefront": "Café", "class": "hat", "probability": "0.9"}
    expected |= {"best_score": "-0.25", "matched": "1", "results_shown": "3", "encode_ms": "12.5"}
    expected |= {"total_ms": "20.0", "decode_ms": "", "views": "1", "clicks": "2"}
    expected |= {"click_ranks": "1 3", "baskets": "0", "index_version": "4", "model": "fake-1"}
    assert line | expected == line
    assert "visitor" not in line
    assert "f" * 32 not in line.values()


def test_export__of_the_chosen_period_and_storefront(admin_client):
    shop = storefront()
    leave_traces(days=20, per_day=10, storefronts=[None, shop])
    assert len(lines_of(admin_client.get(SEARCHES, {"days": 30}))) == Query.objects.count()
    week = lines_of(admin_client.get(SEARCHES, {"days": 7, "storefront": shop.pk}))
    assert {line["storefront"] for line in week} == {"app"}
    assert len(week) < shop.query_set.count()
    assert [line["created"] for line in week] == sorted(line["created"] for line in week)
    refused = lines_of(admin_client.get(REFUSALS, {"days": 30}))
    assert len(refused) == Refusal.objects.count() > 0
    assert set(refused[0]) == {"created", "code", "storefront", "experiment", "variant"}


def test_export__reads_as_it_writes(admin_client, django_assert_max_num_queries, monkeypatch):
    monkeypatch.setattr(exports, "CHUNK", 50)
    leave_traces(days=2, per_day=100)
    chunks = -(-Query.objects.count() // 50)
    with django_assert_max_num_queries(6 + 2 * chunks):
        lines_of(admin_client.get(SEARCHES))


def test_export__searches_of_one_moment_are_listed_once(admin_client, monkeypatch):
    monkeypatch.setattr(exports, "CHUNK", 3)
    moment = timezone.now() - timedelta(hours=1)
    for _ in range(8):
        Query.objects.create(encoder="fake-1", vector=b"x")
    Query.objects.update(created=moment)
    lines = lines_of(admin_client.get(SEARCHES))
    assert {line["id"] for line in lines} == {str(query.pk) for query in Query.objects.all()}
    assert len(lines) == 8


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_export__no_cell_is_a_formula(admin_client, begin):
    evil = f"{begin}cmd|'/c calc'!A1"
    Query.objects.create(
        storefront=storefront(evil),
        encoder=evil,
        vector=b"",
        predictions=[{"label": evil, "probability": 0.9}],
    )
    (line,) = lines_of(admin_client.get(SEARCHES))
    for column in ("storefront", "model", "class"):
        assert line[column].startswith("'")
