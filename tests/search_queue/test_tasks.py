"""The Celery tasks of search workers, run in this process; tests/stack has a real worker."""

import base64

import numpy as np
import pytest
from celery import chain

from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex
from visualsearch import tasks
from visualsearch.exceptions import ImageCorrupt, IndexNotReady, InvalidBase64
from visualsearch.models import Embedding, Query, from_bytes
from visualsearch.search_queue import worker

PHOTO = base64.b64encode(encoded(picture(3))).decode()


def test_tasks__go_to_the_search_workers():
    assert {each.queue for each in (tasks.search, tasks.classify, tasks.embed)} == {worker.QUEUE}


def test_classify(sold):
    reindex()
    found = tasks.classify.delay(PHOTO).get()
    assert list(found) == ["predictions"]
    best, *_ = found["predictions"]
    assert set(best) == {"label", "probability"}
    assert 0 < best["probability"] <= 1


def test_embed__is_the_embedding_of_the_index(sold):
    reindex()
    found = tasks.embed.delay(PHOTO).get()
    row = Embedding.objects.get(item="P3")
    assert found["encoder"] == row.encoder
    assert np.linalg.norm(found["embedding"]) == pytest.approx(1, abs=1e-3)
    assert np.dot(found["embedding"], from_bytes(row.vector)) > 0.99
    assert not Query.objects.exists()


def test_embed__can_be_chained(sold):
    reindex()
    found = chain(tasks.embed.s(PHOTO), tasks.embed.app.tasks["celery.accumulate"].s())().get()
    assert found[0]["embedding"]


@pytest.mark.parametrize(
    ("photo", "error"),
    [("no base64!", InvalidBase64), (base64.b64encode(b"GIF89a").decode(), ImageCorrupt)],
)
def test_classify__what_is_no_photo(sold, photo, error):
    reindex()
    with pytest.raises(error):
        tasks.classify.delay(photo).get()


def test_embed__nothing_is_indexed_yet(db, monkeypatch):
    def not_ready():
        raise IndexNotReady

    monkeypatch.setattr("visualsearch.serving.version_encoders.active_encoder", not_ready)
    with pytest.raises(IndexNotReady):
        tasks.embed.delay(PHOTO).get()


@pytest.mark.parametrize("task", [tasks.classify, tasks.embed])
def test_photo__shows_neither_in_events_nor_in_logs(task):
    with task.app.pool.acquire() as connection:
        message = sent_by(task, connection)
    assert message["argsrepr"] == "(photo)"
    assert PHOTO[:40] not in str(message)


def sent_by(task, connection):
    """Return the headers of the message that a task sends to its queue."""
    queue = connection.SimpleQueue(task.queue)
    queue.clear()  # other tests leave messages
    task.app.conf.task_always_eager = False
    try:
        task.delay(PHOTO)
    finally:
        task.app.conf.task_always_eager = True
    return queue.get(timeout=5).headers
