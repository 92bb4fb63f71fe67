from contextlib import contextmanager

import kombu.exceptions
import pytest

from visualsearch.models import Run, RunChunk
from visualsearch.reindex import chunks, runs, tasks
from visualsearch.reindex.chunks import Claims

State = Run.State


@pytest.fixture
def sent(monkeypatch, configure):
    """The messages of index_run; a task ends after its first step."""
    configure(BATCH_SIZE=2, INDEX_THREADS=1)
    monkeypatch.setattr(tasks, "SLICE", 0)
    monkeypatch.setattr(tasks, "BROKER_WAIT", 0)
    messages = []
    monkeypatch.setattr(tasks.index_run, "apply_async", lambda **message: messages.append(message))
    return messages


@contextmanager
def as_worker():
    """Let tasks run as in a Celery worker, not eagerly."""
    tasks.index_run.push_request(is_eager=False)
    try:
        yield
    finally:
        tasks.index_run.pop_request()


def deliver(*args):
    with as_worker():
        return tasks.index_run.run(*args)


def test_index_run__one_worker_in_turns(sold, sent):
    run, _new = runs.request(Run.Scope.ALL)
    assert deliver(run.pk) == State.RUNNING
    turns = 1
    while Run.objects.get().open:
        deliver(*sent[-1]["args"])
        turns += 1
    run.refresh_from_db()
    assert (run.state, run.items, run.done, run.encoded) == (State.FINISHED, 8, 8, 8)
    assert turns >= 4
    # After its end, nothing is sent.
    count = len(sent)
    assert deliver(*sent[-1]["args"]) == State.FINISHED
    assert len(sent) == count


def test_index_run__only_the_last_invitation_counts(sold, sent):
    run, _new = runs.request(Run.Scope.ALL)
    deliver(run.pk)
    at_start, at_end = (message["args"] for message in sent)
    assert (at_start, at_end) == ((run.pk, 1), (run.pk, 2))
    assert [message["countdown"] for message in sent] == [0, 0]
    done = Run.objects.get().done
    deliver(*at_start)
    assert (Run.objects.get().done, len(sent)) == (done, 2)
    deliver(*at_end)
    assert Run.objects.get().done > done


def test_index_run__looks_again_while_only_others_have_work(sold, sent):
    run, _new = runs.request(Run.Scope.ALL)
    runs.execute(run, seconds=0)
    other = Claims(run)
    while other.claim():
        pass
    deliver(run.pk)
    assert [message["countdown"] for message in sent] == [tasks.WATCH]
    # The other worker dies.
    chunks._held.clear()
    RunChunk.objects.update(owner="elsewhere:1:x", heartbeat="2020-01-01T00:00Z")
    while Run.objects.get().open:
        deliver(*sent[-1]["args"])
    run.refresh_from_db()
    assert (run.done, run.encoded) == (8, 8)


def test_index_run__broker_down(sold, sent, monkeypatch):
    failures = [True] * 4 + [False]

    def send(**message):
        if failures.pop(0):
            raise kombu.exceptions.OperationalError("down")
        sent.append(message)

    monkeypatch.setattr(tasks.index_run, "apply_async", send)
    run, _new = runs.request(Run.Scope.ALL)
    deliver(run.pk)
    run.refresh_from_db()
    assert [message["args"] for message in sent] == [(run.pk, run.invitation)]


def test_index_repair__resumes_a_run_whose_task_was_lost(sold):
    run, _new = runs.request(Run.Scope.ALL)
    runs.pause(run)
    tasks.index_repair()
    run.refresh_from_db()
    assert run.state == State.PAUSED
    runs.resume(run)
    tasks.index_repair()
    run.refresh_from_db()
    assert (run.state, run.encoded) == (State.FINISHED, 8)
