import threading

import pytest
from health_check.exceptions import ServiceUnavailable

from tests.helpers.hanging import before_the_hang_ends
from tests.helpers.reindex import reindex
from visualsearch.contrib.health.views import ReadyView
from visualsearch.models import IndexVersion
from visualsearch.search_queue import heartbeat
from visualsearch.versions import lifecycle

LIVE, READY = "/health/live/", "/health/ready/"
FINE = {"database": "ok", "index": "ok", "redis": "ok", "workers": "ok"}


@pytest.fixture
def failed(in_this_thread):
    """A function that returns the failing checks."""

    def ask():
        names = set()
        for check in ReadyView.checks:
            try:
                check().run()
            except ServiceUnavailable:
                names.add(check.__name__.lower())
        return names

    return ask


@pytest.mark.parametrize("broken", [set(), {"redis"}, set(FINE)])
def test_ready__answer(client, monkeypatch, broken):
    for check in ReadyView.checks:
        holds = check.__name__.lower() not in broken
        monkeypatch.setattr(check, "holds", lambda self, holds=holds: holds)
    answer = client.get(READY)
    assert answer.status_code == (503 if broken else 200)
    words = {name: "failed" if name in broken else "ok" for name in FINE}
    assert answer.json() == {"status": "failed" if broken else "ok", "checks": words}
    assert "no-store" in answer["Cache-Control"]


def test_ready__does_not_wait_for_what_hangs(client, monkeypatch):
    go_on = threading.Event()
    for check in ReadyView.checks:
        monkeypatch.setattr(check, "holds", lambda self: go_on.wait())
    with before_the_hang_ends(go_on.set):
        answer = client.get(READY)
    go_on.set()
    assert answer.status_code == 503
    assert set(answer.json()["checks"].values()) == {"failed"}


def test_live__touches_nothing(client, django_assert_num_queries, db):
    with django_assert_num_queries(0):
        answer = client.get(LIVE)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]


def test_live__plain_http_from_within(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_REDIRECT_EXEMPT = [r"^health/"]
    assert client.get(LIVE).status_code == 200


def test_ready__nothing_indexed_yet(failed, db):
    assert failed() == {"index"}


def test_ready(failed, sold):
    reindex()
    assert failed() == set()


def test_ready__model_is_gone(failed, sold, configure):
    reindex()
    IndexVersion.objects.update(encoder="another", encoder_class="no.such.Encoder")
    assert failed() == {"index"}


def test_ready__with_workers(failed, sold, configure, redis_server, lasting_heartbeats):
    reindex()
    configure(USE_CELERY=True, REDIS_URL=redis_server.url)
    assert failed() == {"workers"}
    heartbeat.Heartbeat("w1", lambda: None).beat()
    assert failed() == set()
    redis_server.stop()
    assert failed() == {"redis", "workers"}


@pytest.mark.parametrize(("folder", "names"), [("/nowhere", {"index"}), (None, set())])
def test_ready__description_of_the_model(
    failed, sold, configure, redis_server, lasting_heartbeats, shipped_model, folder, names
):
    reindex()
    if folder:
        options = {"package": folder}
        version = lifecycle.active_version()
        IndexVersion.objects.filter(pk=version.pk).update(encoder="x", encoder_options=options)
    configure(USE_CELERY=True, REDIS_URL=redis_server.url)
    heartbeat.Heartbeat("w1", lambda: None).beat()
    assert failed() == names
