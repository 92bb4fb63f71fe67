import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.db import OperationalError
from prometheus_client.parser import text_string_to_metric_families

from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex
from visualsearch import signals
from visualsearch.contrib.prometheus import processes, state, worker
from visualsearch.models import Embedding, Run
from visualsearch.search.requests import SearchRequest
from visualsearch.search_queue import dispatch, heartbeat, redis_queue
from visualsearch.versions import lifecycle

ROOT = Path(__file__).resolve().parents[2]
URL = "/api/visual-search/search/"


def upload(client, data):
    from django.core.files.uploadedfile import SimpleUploadedFile

    return client.post(URL, {"image": SimpleUploadedFile("photo.jpg", data)})


def gauges():
    """Return the state gauges by name and labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in state.StateCollector().collect()
        for sample in family.samples
    }


def test_searched(sold, grown):
    reindex()
    found = dispatch.search(dispatch.decode_photo(encoded(picture(3))), SearchRequest(limit=2))
    labels = {"what": "search", "model": found.model, "matched": "yes"}
    assert grown("visualsearch_searches_total", **labels) == 1
    stages = {"what": "search", "stage": "encode"}
    assert grown("visualsearch_search_seconds_count", **stages) == 1
    seconds = grown("visualsearch_search_seconds_sum", **stages)
    assert seconds == pytest.approx(found.took_ms["encode"] / 1000)


def test_refused__by_the_api(client, db, grown):
    assert upload(client, b"%PDF-1.4").status_code == 415
    assert grown("visualsearch_refused_total", code="unsupported_image") == 1
    view = "visualsearch-api:search"
    assert grown("visualsearch_http_requests_total", view=view, method="POST", code="415") == 1
    assert grown("visualsearch_http_seconds_count", view=view) == 1


def test_refused__by_the_page(client, db, grown):
    assert client.post("/search/photo/").status_code == 400
    assert grown("visualsearch_refused_total", code="image_missing") == 1


def test_requests__labels_are_few(client, db, grown):
    client.generic("BREW", "/no/such/page")
    assert grown("visualsearch_http_requests_total", view="", method="other", code="404") == 1


def test_images_indexed(sold, sell, grown):
    reindex()
    assert grown("visualsearch_images_indexed_total", outcome="encoded") == 8
    assert grown("visualsearch_activations_total") == 1
    reindex()
    assert grown("visualsearch_images_indexed_total", outcome="unchanged") >= 8
    assert grown("visualsearch_images_indexed_total", outcome="encoded") == 8


@pytest.mark.parametrize(
    ("refused", "end"),
    [("", "answered"), ("item_not_found", "refused"), ("search_failed", "failed")],
)
def test_jobs(refused, end, grown):
    signals.job_done.send(sender=None, refused=refused)
    assert grown("visualsearch_jobs_total", end=end) == 1


def test_jobs__dropped(grown):
    signals.job_dropped.send(sender=None)
    assert grown("visualsearch_jobs_total", end="dropped") == 1


def test_state__nothing_indexed_yet(db, in_this_thread):
    found = gauges()
    assert found["visualsearch_up", "database"] == 1
    assert found["visualsearch_index_version", ""] == 0
    assert found["visualsearch_index_items", ""] == 0
    assert ("visualsearch_up", "redis") not in found


def test_state(sold, in_this_thread):
    reindex()
    Embedding.objects.filter(item="P1").update(error="broken")
    Run.objects.create(items=10, done=4, failed=1)
    found = gauges()
    assert found["visualsearch_index_version", ""] == lifecycle.active_version().pk
    assert (found["visualsearch_index_items", ""], found["visualsearch_index_images", ""]) == (7, 7)
    assert found["visualsearch_failed_images", ""] == 1
    assert found["visualsearch_index_age_seconds", ""] >= 0
    assert (found["visualsearch_run_open", ""], found["visualsearch_run_dead", ""]) == (1, 0)
    assert (found["visualsearch_run_items", ""], found["visualsearch_run_items_done", ""]) == (
        10,
        4,
    )


def test_state__database_is_away(db, in_this_thread, monkeypatch):
    def away():
        raise OperationalError("away")

    monkeypatch.setattr(state, "of_database", away)
    assert gauges() == {("visualsearch_up", "database"): 0}


def test_state__redis(db, in_this_thread, configure, redis_server, lasting_heartbeats):
    configure(USE_CELERY=True, REDIS_URL=redis_server.url)
    assert gauges()["visualsearch_up", "workers"] == 0
    for name in ("w1", "w2"):
        heartbeat.Heartbeat(name, lambda: None).beat()
    redis_server.client().rpush(redis_queue.queue(), "1", "2", "3")
    found = gauges()
    assert (found["visualsearch_up", "redis"], found["visualsearch_up", "workers"]) == (1, 1)
    assert (found["visualsearch_search_workers",], found["visualsearch_queue_length",]) == (2, 3)
    redis_server.stop()
    found = gauges()
    assert (found["visualsearch_up", "redis"], found["visualsearch_up", "workers"]) == (0, 0)
    assert ("visualsearch_queue_length",) not in found


def test_state__rows_are_not_counted_at_each_scrape(
    sold, in_this_thread, django_assert_num_queries, monkeypatch
):
    monkeypatch.setattr(state, "COUNTED_FOR", 600)
    reindex()
    collector = state.StateCollector()
    list(collector.collect())
    with django_assert_num_queries(3):  # the active version, the open run, the last repair
        list(collector.collect())


def test_metrics__no_token_no_page(client, monkeypatch):
    monkeypatch.delenv("METRICS_TOKEN", raising=False)
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize(
    "given", [None, "", "Bearer ", "Bearer wrong", "Basic right", "right", "é"]
)
def test_metrics__wrong_token(client, monkeypatch, given):
    monkeypatch.setenv("METRICS_TOKEN", "right")
    headers = {} if given is None else {"Authorization": given}
    assert client.get("/metrics", headers=headers).status_code == 401


def test_metrics(client, db, in_this_thread, monkeypatch):
    monkeypatch.setenv("METRICS_TOKEN", "right")
    answer = client.get("/metrics", headers={"Authorization": "Bearer right"})
    assert answer.status_code == 200
    names = {family.name for family in text_string_to_metric_families(answer.content.decode())}
    assert {"visualsearch_up", "visualsearch_searches", "visualsearch_http_seconds"} <= names


SHARING = """
import os
import socket
from visualsearch.contrib.prometheus.processes import FOLDER, ended, share
share(); share()
import django; django.setup()
from prometheus_client import generate_latest
from visualsearch import signals
from visualsearch.contrib.prometheus.scrape import counted
for _ in range(3):
    if not (child := os.fork()):
        signals.job_dropped.send(sender=None)
        raise SystemExit
    os.waitpid(child, 0)
    ended(child)
assert os.path.isdir(os.environ[FOLDER])
print(os.environ[FOLDER])
print(generate_latest(counted()).decode())
"""


def test_share__processes_count_together(tmp_path):
    environment = {**os.environ, "DATABASE_URL": "sqlite://:memory:"}
    environment.pop("PROMETHEUS_MULTIPROC_DIR", None)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SHARING],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    folder, _, text = done.stdout.partition("\n")
    assert 'visualsearch_jobs_total{end="dropped"} 3.0' in text
    assert 'visualsearch_jobs_total{end="failed"} 0.0' in text
    assert not Path(folder).exists()


def test_remove_left(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for name in (f"{os.getpid()}-a", f"{dead.pid}-b", "c"):
        (tmp_path / f"{processes.PREFIX}{name}").mkdir()
    (tmp_path / "another's").mkdir()
    processes.remove_left(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {f"{processes.PREFIX}{os.getpid()}-a", "another's"}


def test_checks__folder_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "none"))
    (message,) = run_checks(tags=["visualsearch"])
    assert message.id == "visualsearch.E102"
    assert message.hint


def test_serve__port_is_taken(monkeypatch, caplog):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("METRICS_PORT", str(taken.getsockname()[1]))
        worker.serve()
    (record,) = caplog.records
    assert "Set METRICS_PORT to a free port" in record.getMessage()
    assert record.exc_info is None
