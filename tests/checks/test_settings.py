import pytest
from django.core.checks import run_checks
from django.db import connections
from django.middleware.csrf import CsrfViewMiddleware


def ids(**kwargs):
    return [message.id for message in run_checks(tags=["visualsearch"], **kwargs)]


def test_checks__clean():
    assert ids() == []


def test_checks__no_version_need_be_kept(configure):
    configure(KEPT_VERSIONS=0)
    assert ids() == []


def test_checks__the_shipped_model_is_whole(shipped_model):
    assert ids() == []


PRODUCTS = "shop.visual.ProductCatalog"


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ({"CATALOGUE": "x"}, "visualsearch.E001"),
        ({"BATCH_SIZE": 0}, "visualsearch.E002"),
        ({"BATCH_SIZE": 2.5}, "visualsearch.E002"),
        ({"INDEX_THREADS": 0}, "visualsearch.E002"),
        ({"PREDICTIONS": True}, "visualsearch.E002"),
        ({"SEARCH_TIMEOUT": "5"}, "visualsearch.E002"),
        ({"KEPT_VERSIONS": -1}, "visualsearch.E002"),
        ({"USE_CELERY": "no"}, "visualsearch.E002"),
        ({"FIND_SUBJECT": 1}, "visualsearch.E002"),
        ({"FIT": "catalog"}, "visualsearch.E002"),
        ({"MAX_QUEUE": 0}, "visualsearch.E002"),
        ({"ASYNC_TIMEOUT": 0}, "visualsearch.E002"),
        ({"THROTTLE": "60/min"}, "visualsearch.E008"),
        ({"THROTTLE": {"search": "often"}}, "visualsearch.E008"),
        ({"THROTTLE": {"search": "0/min"}}, "visualsearch.E008"),
        ({"THROTTLE": {"search": 60}}, "visualsearch.E008"),
        ({"THROTTLE": {"write": "60/min"}}, "visualsearch.E008"),
        ({"HEIC": "yes"}, "visualsearch.E002"),
        ({"BODY_TIMEOUT": 0}, "visualsearch.E002"),
        ({"FETCH_TIMEOUT": None}, "visualsearch.E002"),
        ({"FETCH_ORIGINS": "https://images.example"}, "visualsearch.E009"),
        ({"FETCH_ORIGINS": ["images.example"]}, "visualsearch.E009"),
        ({"FETCH_ORIGINS": ["https://images.example/photos"]}, "visualsearch.E009"),
        ({"FETCH_ORIGINS": ["https://*.example"]}, "visualsearch.E009"),
        ({"FETCH_NETWORKS": ["10.1.0.0/40"]}, "visualsearch.E009"),
        ({"FETCH_NETWORKS": "10.1.0.0/16"}, "visualsearch.E009"),
        ({"CATALOG": ""}, "visualsearch.E003"),
        ({"CATALOG": "shop.nowhere.Catalog"}, "visualsearch.E003"),
        ({"INDEX": "shop.nowhere.Index"}, "visualsearch.E003"),
        ({"CATALOG": "shop.models.Product"}, "visualsearch.E004"),
        ({"CATALOGS": {"a": PRODUCTS}}, "visualsearch.E012"),
        ({"CATALOG": "", "CATALOGS": dict.fromkeys("ab", PRODUCTS)}, "visualsearch.E012"),
        ({"CATALOG": "", "CATALOGS": {"Ä": PRODUCTS}}, "visualsearch.E012"),
        ({"CATALOG": "", "CATALOGS": {"a": "shop.nowhere.Catalog"}}, "visualsearch.E003"),
        ({"CATALOG_NAME": "a b"}, "visualsearch.E012"),
        ({"CATALOG_OF_REQUEST": "shop.nowhere.name"}, "visualsearch.E012"),
        ({"REPAIR_CONTENTS": -1}, "visualsearch.E002"),
        ({"CATALOG_FORMATS": ["PSD"]}, "visualsearch.E013"),
        ({"CATALOG_FORMATS": "TIFF"}, "visualsearch.E013"),
        (
            {
                "ENCODER": "visualsearch.encoders.onnx.OnnxEncoder",
                "ENCODER_OPTIONS": {"package": "/nowhere"},
            },
            "visualsearch.E005",
        ),
    ],
)
def test_checks__misconfiguration(configure, setting, expected):
    configure(**setting)
    messages = run_checks(tags=["visualsearch"])
    assert [message.id for message in messages] == [expected]
    assert messages[0].hint


def test_checks__workers_need_a_redis(configure):
    configure(USE_CELERY=True)
    assert ids() == ["visualsearch.E006"]
    configure(REDIS_URL="redis://127.0.0.1:6379/0")
    assert ids() == []


def test_checks__relative_data_dir_in_production(configure):
    configure(DATA_DIR="somewhere")
    assert ids() == []
    assert ids(include_deployment_checks=True) == ["visualsearch.W001"]


def test_checks__rates_may_be_left_out(configure):
    configure(THROTTLE={"search": "5/s", "read": None})
    assert ids() == []


def test_checks__an_address_that_clients_make_up(configure, settings):
    configure(THROTTLE={"search": "60/min"})
    known = dict(settings.REST_FRAMEWORK)
    assert "visualsearch.W002" not in ids(include_deployment_checks=True)
    del known["NUM_PROXIES"]
    settings.REST_FRAMEWORK = known
    assert "visualsearch.W002" in ids(include_deployment_checks=True)
    configure(THROTTLE=None)
    assert "visualsearch.W002" not in ids(include_deployment_checks=True)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, ["visualsearch.W003"]),
        ({"transaction_mode": "IMMEDIATE"}, ["visualsearch.W003"]),
        ({"init_command": "PRAGMA journal_mode=wal"}, ["visualsearch.W003"]),
        ({"transaction_mode": "immediate", "init_command": "PRAGMA journal_mode=WAL"}, []),
    ],
)
def test_checks__sqlite_with_its_default_options(monkeypatch, options, told):
    connection = connections["default"]
    monkeypatch.setattr(connection, "is_in_memory_db", lambda: False)
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    assert ids() == told


class OwnMiddleware(CsrfViewMiddleware):
    """A shop's own subclass."""


def test_checks__form_without_csrf_cookie(configure, settings):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "Csrf" not in each]
    assert ids() == ["visualsearch.W004"]
    # A missing module is reported by Django when the server starts.
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "no.such.Middleware", f"{__name__}.OwnMiddleware"]
    assert ids() == []


def test_checks__api_alone_needs_no_csrf_cookie(settings):
    settings.MIDDLEWARE = []
    settings.ROOT_URLCONF = "visualsearch.api.urls"
    assert ids() == []


def test_checks__database_that_is_not_supported(monkeypatch):
    monkeypatch.setattr(connections["default"], "vendor", "mysql")
    (message,) = run_checks(tags=["visualsearch"])
    assert message.id == "visualsearch.E011"
    assert "a router that returns it" in message.hint
