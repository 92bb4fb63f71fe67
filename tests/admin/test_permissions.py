"""Access to every URL of the app in the admin without permissions and with view permissions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import models
from django.forms.models import model_to_dict
from django.urls import NoReverseMatch, URLPattern, get_resolver, reverse
from django.urls.resolvers import URLResolver
from django.utils import timezone

from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import rebuild, reindex
from visualsearch.models import (
    Embedding,
    Experiment,
    Finding,
    IndexVersion,
    KeptPhoto,
    Processor,
    Query,
    RankingRule,
    RepeatedPicture,
    RuleChange,
    Run,
)
from visualsearch.models import Storefront as Shop

pytestmark = pytest.mark.django_db

# Accept POST only; permissions are checked before the request is validated.
POSTED = {
    "visualsearch_catalog",
    "visualsearch_reindex",
    "visualsearch_fit",
    "visualsearch_run_control",
    "visualsearch_experiment_stop",
    "visualsearch_rankingrule_matches",
    "visualsearch_rankingrule_stock",
    "visualsearch_rankingrule_switch",
    "visualsearch_rankingrule_undo",
    "visualsearch_catalog_check_start",
    "visualsearch_catalog_check_decide",
}
# Accept GET only.
ASKED = {
    "visualsearch_run_progress",
    "visualsearch_insights",
    "visualsearch_export_searches",
    "visualsearch_export_refusals",
    "visualsearch_vain",
    "visualsearch_vain_export",
    "visualsearch_rankingrule_products",
    "visualsearch_catalog_check",
    "visualsearch_catalog_check_export",
}
# Pages that require permission to edit rules.
EDITED = {"visualsearch_rankingrule_products"}
# Django's view for an object URL without its last part; it redirects to the change page.
REDIRECTS = "<path:object_id>/"


def patterns(resolver=None, prefix="") -> list[tuple[str, URLPattern]]:
    """Return all URL patterns of the app's models in the admin, with their full routes."""
    found = []
    for each in (resolver or get_resolver()).url_patterns:
        route = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            found += patterns(each, route)
        elif route.startswith("admin/visualsearch/"):
            found.append((route, each))
    return found


def rows() -> dict[type[models.Model], models.Model]:
    """Create a row of each registered model; the version could be activated."""
    reindex()
    rebuild()
    version = IndexVersion.objects.get(state="retired")
    shop = Shop(name="app")
    shop.new_key()
    shop.save()
    experiment = Experiment.objects.create(name="x", version=version)
    query = Query.objects.create(encoder="fake-1", vector=b"", storefront=shop)
    expires = timezone.now() + timedelta(hours=1)
    KeptPhoto.objects.create(query_id=query.pk, jpeg=encoded(picture(1)), expires=expires)
    processor = Processor.objects.create(
        encoder="fake-1", name="x", lowest_cosine=1, least_cosine=1, checked=timezone.now()
    )
    rule = RankingRule.objects.create(name="x", action="hide", keys=["P1"])
    RuleChange.objects.create(pk=rule.pk, rule=rule.pk, name="x", before={"keys": ["P2"]})
    finding = Finding.objects.create(kind="no_picture", item="P1")
    RepeatedPicture.objects.create(pk=finding.pk, content_hash="x", image="x.png", items=10)
    some = [version, shop, experiment, query, processor, rule, finding, Run.objects.first()]
    some.append(Embedding.objects.first())
    return {type(row): row for row in some}


def address(route: str, pattern: URLPattern, found: dict[type[models.Model], models.Model]) -> str:
    """Return a pattern's URL for an existing row."""
    kind = next(each for each in found if f"/{each._meta.model_name}/" in f"/{route}")
    values = {"pk": found[kind].pk, "object_id": found[kind].pk, "control": "cancel"}
    kwargs = {name: values[name] for name in pattern.pattern.converters}
    if pattern.name is None:
        return "/" + route.replace("<path:object_id>", str(found[kind].pk))
    try:
        return reverse(f"admin:{pattern.name}", kwargs=kwargs)
    except NoReverseMatch:
        return reverse(f"admin:{pattern.name}", args=list(kwargs.values()))


@pytest.fixture
def addresses(sold) -> dict[str, str]:
    """The names of all patterns by URL."""
    found = rows()
    registered = {kind for kind in admin.site._registry if kind._meta.app_label == "visualsearch"}
    assert registered == set(found)
    return {address(route, each, found): each.name or REDIRECTS for route, each in patterns()}


def state() -> dict[str, list[dict[str, object]]]:
    """Return the content of all rows that a request could change."""
    kinds = [Run, IndexVersion, Experiment, Shop, Query, KeptPhoto, RankingRule, RuleChange]
    kinds += [Finding, RepeatedPicture]
    return {kind.__name__: [model_to_dict(row) for row in kind.objects.all()] for kind in kinds}


def test_addresses__are_all_found(addresses):
    names = set(addresses.values())
    assert len(names) > 30
    for name in ("insights", "experiment_stop", "query_photo", "export_searches", "photo"):
        assert f"visualsearch_{name}" in names


@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody__is_let_in_without_an_account(client, addresses, method):
    before = state()
    for url in addresses:
        response = getattr(client, method)(url)
        assert response.status_code == 302, url
        assert response["Location"].startswith("/admin/login/"), url
    assert state() == before


@pytest.mark.parametrize("method", ["get", "post"])
def test_staff__without_permissions_are_refused(staff, addresses, method):
    before, client = state(), staff()
    for url, name in addresses.items():
        expected = 403
        if name == REDIRECTS:
            expected = 302  # to a page that responds with 403
        elif name in (POSTED if method == "get" else ASKED):
            expected = 405
        assert getattr(client, method)(url).status_code == expected, url
    assert state() == before


def may_look(staff):
    """Return a client of a user with all view permissions."""
    found = Permission.objects.filter(
        content_type__app_label="visualsearch", codename__startswith="view_"
    )
    return staff(*found.values_list("codename", flat=True))


def test_staff__that_may_only_look_see_every_page(staff, addresses):
    client = may_look(staff)
    for url, name in addresses.items():
        expected = 200
        if name == REDIRECTS:
            expected = 302
        elif name in POSTED:
            expected = 405
        elif name in EDITED or name.endswith(("_add", "_delete", "_activate", "_roll_back")):
            expected = 403
        assert client.get(url).status_code == expected, url


def test_staff__that_may_only_look_change_nothing(staff, addresses):
    before, client = state(), may_look(staff)
    values = {"post": "yes", "name": "changed", "percent": "9", "ramp_hours": "1", "rate": "1/s"}
    kinds = (Query, Shop, RankingRule)
    pks = [str(row.pk) for kind in kinds for row in kind.objects.all()]
    for url in addresses:
        client.post(url, values)
        for action in ("delete_selected", "new_key", "retry", "switch_off"):
            client.post(url, {"action": action, "_selected_action": pks, "post": "yes"})
    assert state() == before
