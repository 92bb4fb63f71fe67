import contextvars
import json
import logging
import logging.config
import subprocess
import sys
from pathlib import Path

import pytest
import structlog
from django.core.exceptions import ImproperlyConfigured
from django.core.files.uploadedfile import SimpleUploadedFile

from shop import logs
from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex
from visualsearch import signals
from visualsearch.reindex import tasks
from visualsearch.search.requests import SearchRequest, SimilarRequest
from visualsearch.search_queue import dispatch, jobs, redis_queue

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def events(caplog):
    """A function that returns the logged events of a name, as dictionaries."""
    caplog.set_level(logging.INFO)

    def said(event):
        found = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
        return [each for each in found if each["event"] == event]

    return said


def test_searched__numbers_only(sold, events):
    reindex()
    dispatch.search(dispatch.decode_photo(encoded(picture(3))), SearchRequest(limit=2))
    (line,) = events("searched")
    assert set(line) == {
        *("event", "logger", "level", "timestamp"),
        *("what", "matched", "took_ms", "model", "version"),
    }
    assert all(isinstance(each, float) for each in line["took_ms"].values())


def test_searched__is_part_of_the_requests_line(client, sold, events):
    reindex()
    photo = SimpleUploadedFile("my-house.jpg", encoded(picture(3)), "image/jpeg")
    client.post("/api/visual-search/search/", {"image": photo})
    (line,) = events("request_finished")
    assert events("searched") == []
    assert set(line["searched"]) == {"what", "matched", "took_ms", "model", "version"}
    assert "my-house" not in str(line)
    dispatch.search(dispatch.decode_photo(encoded(picture(3))), SearchRequest(limit=2))
    assert len(events("searched")) == 1


def test_version_activated(sold, events):
    reindex()
    (line,) = events("version_activated")
    assert (line["level"], line["items"]) == ("info", 8)


def test_request__its_name_travels_with_its_job(sold, events, configure, redis_server):
    reindex()
    configure(USE_CELERY=True, REDIS_URL=redis_server.url)
    with structlog.contextvars.bound_contextvars(request_id="the-name", secret="stays"):
        job = dispatch.job_of(SimilarRequest(item="P1", limit=2), None, 5)
        refused = dispatch.job_of(SimilarRequest(item="NONE", limit=2), None, 5)
    assert job.context["request_id"] == "the-name"
    assert "stays" not in str(job.context)
    for name, each in (("a", job), ("b", refused)):
        redis_queue.post(each, name)
        contextvars.copy_context().run(jobs.run, name, "w1")
    assert structlog.contextvars.get_contextvars() == {}
    assert [line["request_id"] for line in events("searched")] == ["the-name"]
    (line,) = events("refused")
    assert (line["request_id"], line["code"]) == ("the-name", "item_not_found")


def test_request__refused(client, db, events):
    answer = client.post("/api/visual-search/search/", headers={"X-Request-ID": "a-good-name"})
    assert answer["X-Request-ID"] == "a-good-name"
    (line,) = events("request_finished")
    assert (line["request_id"], line["code"], line["refused"]) == (
        "a-good-name",
        400,
        "image_missing",
    )
    assert not {"ip", "user_id", "user_agent"} & line.keys()


def test_request__fails(client, events, monkeypatch):
    """A failure logs one line with the traceback, and the response has its request id."""
    monkeypatch.setattr("shop.views.HomeView.get", lambda *args, **kwargs: 1 / 0)
    client.raise_request_exception = False
    answer = client.get("/")
    assert answer.status_code == 500
    (line,) = events("request_failed")
    assert line["request_id"] == answer["X-Request-ID"]
    assert events("request_finished") == []


def test_task__done_right_here_leaves_the_request_its_name(db):
    with structlog.contextvars.bound_contextvars(request_id="the-name"):
        tasks.index_items.apply(args=[[]])
        assert structlog.contextvars.get_contextvars() == {"request_id": "the-name"}


def test_task__has_the_name_of_the_request():
    from celery.signals import before_task_publish

    headers = {}
    with structlog.contextvars.bound_contextvars(request_id="the-name"):
        before_task_publish.send(sender="visualsearch.index_items", headers=headers)
    assert headers["__django_structlog__"]["request_id"] == "the-name"


LINES = """
import logging, warnings
from logging.config import dictConfig
from shop import logs
dictConfig(logs.configure("json", "INFO"))
import structlog
structlog.get_logger("a").info("structured", photo_bytes=3, umlaut="ä")
logging.getLogger("b").warning("of %s", "a library")
logging.getLogger("b").debug("not this one")
logging.getLogger("django.request").error("told already")
warnings.warn("a warning")
try:
    secret = "hush"
    1 / 0
except ZeroDivisionError:
    logging.getLogger("c").exception("failed\\nin two lines")
"""


def test_json__a_line_for_each_event():
    done = subprocess.run([sys.executable, "-c", LINES], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"].split("\n")[0] for line in lines][:2] == ["structured", "of a library"]
    assert len(lines) == 4
    assert (lines[0]["umlaut"], lines[0]["logger"], lines[0]["level"]) == ("ä", "a", "info")
    assert "a warning" in lines[2]["event"]
    assert "ZeroDivisionError" in lines[3]["exception"]
    assert '"hush"\n' not in lines[3]["exception"]


def test_console__is_for_people():
    settings = logs.configure("console", "INFO")
    formatters = logging.config.DictConfigurator(settings)
    formatter = formatters.configure_formatter(settings["formatters"]["line"])
    record = logging.LogRecord("a", logging.INFO, "", 0, "an event", (), None)
    assert "an event" in formatter.format(record)
    assert "{" not in formatter.format(record)


def test_format__unknown():
    with pytest.raises(ImproperlyConfigured, match="LOG_FORMAT"):
        logs.configure("xml", "INFO")


def test_signals__are_heard():
    for each in (signals.searched, signals.job_posted, signals.job_taken, signals.refused):
        assert each.has_listeners()
