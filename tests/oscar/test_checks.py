"""Test the system checks of the shop's settings."""

from __future__ import annotations

import pytest

pytest.importorskip("oscar", reason="django-oscar is not installed")

CHECK = """
    from django.core.checks import run_checks
    for message in run_checks(tags=["visualsearch"]):
        print(message.id, message.msg, message.hint)
"""


def test_checks__a_right_shop_has_no_message(run):
    assert run(CHECK) == ""


def test_order__the_app_must_be_first(run):
    said = run(CHECK, LAST="1").splitlines()
    assert [line.split()[0] for line in said] == ["visualsearch.E103"] * 2
    assert "first in INSTALLED_APPS" in said[0]


def test_urls__are_missing(run):
    said = run(CHECK, URLS="tests.oscar.bare_urls")
    assert said.startswith("visualsearch.E104")
    assert "include(“visualsearch.contrib.oscar.urls”)" in said


def test_urls__the_dashboard_opens_without_them(run):
    code = """
        template("visualsearch/oscar/camera.html", "")
        text = page("/dashboard/", logged_in(user("Ann", "view_run", is_staff=True)))
        print("visual-search" in text)
    """
    assert run(code, URLS="tests.oscar.bare_urls") == "False"


def test_catalog__is_not_oscars(run):
    said = run(CHECK, CATALOG="visualsearch.catalogs.CatalogSource")
    assert said.startswith("visualsearch.W101")
    assert "visualsearch.contrib.oscar.catalog.OscarCatalog" in said


def test_catalog__is_not_set(run):
    ids = [line.split()[0] for line in run(CHECK, CATALOG="").splitlines()]
    assert sorted(ids) == ["visualsearch.E003", "visualsearch.W101"]
