import pytest
from django.apps import apps

from visualsearch.contrib.packages import is_there, needs


@pytest.mark.parametrize("module", ["no_such_package", "no_such_package.inside"])
def test_needs__package_is_missing(module):
    (message,) = needs(module, "no-such-package", "extra", "an.app")()
    assert message.id == "visualsearch.E101"
    assert "no-such-package" in message.msg
    assert "visualsearch[extra]" in message.hint


def test_needs__package_is_there():
    assert is_there("django.db")
    assert needs("django", "Django", "extra", "an.app")() == []


@pytest.mark.parametrize("name", ["prometheus", "structlog", "health"])
def test_ready__without_its_package(name, monkeypatch):
    """The app loads without its package, so that the system check can give a hint."""
    monkeypatch.setattr("visualsearch.contrib.packages.find_spec", lambda module: None)
    apps.get_app_config(f"visualsearch_{name}").ready()
