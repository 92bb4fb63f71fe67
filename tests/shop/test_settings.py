"""Settings by environment. Each case runs in a new process, since settings are read once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MINE = (
    "DATABASE_URL",
    "REDIS_URL",
    "MEDIA_ROOT",
    "VISUALSEARCH_DATA_DIR",
    "SECRET_KEY",
    "DEBUG",
    "VISUALSEARCH_MODEL",
    "VISUALSEARCH_THROTTLE",
    "HTTPS",
    "NUM_PROXIES",
    "CORS_ALLOWED_ORIGINS",
)


@pytest.fixture
def read():
    def run(*names: str, **environment: str) -> dict:
        env = {name: value for name, value in os.environ.items() if name not in MINE}
        code = (
            "import json; from shop import settings as s;"
            f"print(json.dumps({{n: getattr(s, n, None) for n in {names!r}}}, default=str))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**env, **environment},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_settings__without_an_environment(read):
    values = read("DEBUG", "DATABASES", "MEDIA_ROOT", "VISUALSEARCH", "CELERY_TASK_ALWAYS_EAGER")
    assert values["DEBUG"] is True
    assert values["DATABASES"]["default"]["NAME"] == str(ROOT / ".data/db.sqlite3")
    assert values["DATABASES"]["default"]["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert values["MEDIA_ROOT"] == str(ROOT / ".data/media")
    assert values["VISUALSEARCH"]["DATA_DIR"] == str(ROOT / ".data/visualsearch")
    assert values["CELERY_TASK_ALWAYS_EAGER"] is True


def test_settings__an_empty_variable_is_an_absent_one(read):
    empty = dict.fromkeys(MINE, "")
    names = ("DEBUG", "DATABASES", "MEDIA_ROOT", "VISUALSEARCH", "REDIS_URL")
    assert read(*names, **empty) == read(*names)


def test_settings__secret_key_of_the_demo_stays(read):
    first, second = (read("SECRET_KEY")["SECRET_KEY"] for _ in range(2))
    assert first == second
    assert len(first) == 50


def test_settings__no_made_up_secret_key_in_production(read):
    assert read("SECRET_KEY", DEBUG="false")["SECRET_KEY"] == ""


def test_settings__with_redis(read):
    values = read(
        "CELERY_BROKER_URL",
        "VISUALSEARCH",
        "CELERY_TASK_ALWAYS_EAGER",
        "CELERY_TASK_PUBLISH_RETRY",
        "CACHES",
        REDIS_URL="redis://example:6379/1",
    )
    assert values["CELERY_BROKER_URL"] == "redis://example:6379/1"
    assert values["VISUALSEARCH"]["REDIS_URL"] == "redis://example:6379/1"
    assert values["VISUALSEARCH"]["USE_CELERY"] is True
    assert values["CELERY_TASK_ALWAYS_EAGER"] is None
    assert values["CELERY_TASK_PUBLISH_RETRY"] is False
    assert values["CACHES"]["default"]["LOCATION"] == "redis://example:6379/1"


def test_settings__folders_and_database(read, tmp_path):
    values = read(
        "DATABASES",
        "MEDIA_ROOT",
        "VISUALSEARCH",
        DATABASE_URL="postgres://u:p@db:5432/shop",
        MEDIA_ROOT=str(tmp_path / "m"),
        VISUALSEARCH_DATA_DIR=str(tmp_path / "v"),
    )
    database = values["DATABASES"]["default"]
    assert (database["ENGINE"], database["HOST"]) == ("django.db.backends.postgresql", "db")
    assert "transaction_mode" not in database.get("OPTIONS", {})
    assert values["MEDIA_ROOT"] == str(tmp_path / "m")
    assert values["VISUALSEARCH"]["DATA_DIR"] == str(tmp_path / "v")


def test_celery__routes():
    from shop.celery import app

    queue = app.amqp.router.route({}, "visualsearch.index_items")["queue"]
    assert queue.name == "visualsearch.index"


def test_settings__limits_can_be_switched_off(read):
    assert read("VISUALSEARCH", DEBUG="true")["VISUALSEARCH"]["THROTTLE"] is None
    production = {"DEBUG": "false", "SECRET_KEY": "x"}
    assert "THROTTLE" not in read("VISUALSEARCH", **production)["VISUALSEARCH"]
    shop = read("VISUALSEARCH", VISUALSEARCH_THROTTLE="off", **production)
    assert shop["VISUALSEARCH"]["THROTTLE"] is None


def test_settings__proxies_that_are_counted(read):
    def proxies(**environment: str) -> int:
        return read("REST_FRAMEWORK", **environment)["REST_FRAMEWORK"]["NUM_PROXIES"]

    assert proxies() == 0
    assert proxies(HTTPS="true") == 1
    assert proxies(HTTPS="true", NUM_PROXIES="2") == 2


def test_settings__origins_that_may_search(read):
    assert read("CORS_ALLOWED_ORIGINS")["CORS_ALLOWED_ORIGINS"] == []
    origins = "https://blog.example,https://app.example"
    values = read("CORS_ALLOWED_ORIGINS", CORS_ALLOWED_ORIGINS=origins)
    assert values["CORS_ALLOWED_ORIGINS"] == origins.split(",")
