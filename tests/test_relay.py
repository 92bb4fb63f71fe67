"""Jobs, answers and signs of life through a real Redis."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from visualsearch import relay
from visualsearch.encoders.preprocess import InputSpec
from visualsearch.exceptions import BackendUnavailable, Overloaded, SearchTimeout

JOB = {"what": "similar", "arguments": {"item": "P1"}, "seconds": 3.0}
# Seconds within which a client is told that something is down.
TOLD = 2.0


@pytest.fixture(autouse=True)
def connected(configure, redis_server):
    configure(REDIS_URL=redis_server.url)


@pytest.fixture
def worker():
    """A worker that says that it lives, while the test runs or until it is stopped."""
    signs = relay.SignsOfLife("w1", lambda: None)
    signs.start()
    wait_until_alive()
    yield signs
    signs.stop()
    signs.join()


def wait_until_alive():
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            relay.admit()
            return
        except BackendUnavailable:
            time.sleep(0.02)
    raise AssertionError("no sign of life")


@contextmanager
def told_within(seconds, error):
    """A client is answered with this error, and soon."""
    start = time.monotonic()
    with pytest.raises(error):
        yield
    assert time.monotonic() - start < seconds


def test_answer__comes_to_who_waits(worker):
    def work():
        job = relay.take(name, "w1")
        assert job["arguments"] == {"item": "P1"}
        assert 0 <= job["waited"] < 2000
        relay.answer(name, {"hits": [b"bytes", 1.5, None]})

    name = relay.post(JOB, 3)
    assert relay.next_job() == name
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        start = time.monotonic()
        assert relay.wait(name, 3) == {"hits": [b"bytes", 1.5, None]}
        assert time.monotonic() - start < 0.5
        working.result()


def test_answer__of_many_each_gets_its_own(worker):
    names = [relay.post({**JOB, "arguments": {"item": n}}, 5) for n in range(8)]

    def work():
        for name in reversed(names):
            relay.answer(name, relay.take(name, "w1")["arguments"])

    with ThreadPoolExecutor(9) as pool:
        waiting = [pool.submit(relay.wait, name, 5) for name in names]
        pool.submit(work).result()
        assert [each.result()["item"] for each in waiting] == list(range(8))


def test_wait__leaves_no_photo_behind(worker, redis_server):
    name = relay.post({**JOB, "arguments": {"photo": b"x" * 1000}}, 3)
    with redis_server.client() as client:
        assert 0 < client.pttl(relay.key_of("job", name)) <= 3000
        assert relay.next_job() == name
        relay.take(name, "w1")
        assert client.get(relay.key_of("job", name)) is None
        relay.answer(name, {})
        assert 0 < client.ttl(relay.key_of("answer", name)) <= relay.ANSWER_KEPT
        relay.wait(name, 1)
        assert not client.exists(relay.key_of("answer", name))
        assert all(client.ttl(key) > 0 for key in client.scan_iter("*"))


def test_next_job__in_their_order_and_none_after_a_while(worker):
    names = [relay.post(JOB, 3) for _ in range(3)]
    assert [relay.next_job() for _ in range(3)] == names
    start = time.monotonic()
    assert relay.next_job() is None
    assert time.monotonic() - start < 1


def test_take__once_only(worker):
    name = relay.post(JOB, 3)
    assert relay.take(name, "w1")
    assert relay.take(name, "w2") is None


def test_take__too_late(worker):
    name = relay.post(JOB, 0.05)
    time.sleep(0.1)
    assert relay.take(name, "w1") is None


def test_take__the_clocks_of_two_machines_do_not_matter(worker, monkeypatch):
    name = relay.post(JOB, 3)
    monkeypatch.setattr(time, "time", lambda: 0.0)  # of the worker's machine
    assert relay.take(name, "w1")


def test_admit__nobody_is_there():
    with told_within(0.5, BackendUnavailable):
        relay.admit()


def test_admit__what_the_model_makes_of_an_image():
    spec = InputSpec(size=160, fit="pad", mean=(0.1, 0.2, 0.3))
    relay.SignsOfLife("w1", lambda: spec).give()
    found = relay.admit()
    assert (found.size, found.fit, list(found.mean)) == (160, "pad", [0.1, 0.2, 0.3])


def test_admit__queue_is_full(worker, configure, redis_server):
    with redis_server.client() as client:
        client.rpush(relay.QUEUE, *range(3))
    configure(MAX_QUEUE=3, REDIS_URL=redis_server.url)
    with told_within(0.5, Overloaded):
        relay.admit()
    configure(MAX_QUEUE=4, REDIS_URL=redis_server.url)
    assert relay.admit() is None


def test_admit__worker_gone(worker):
    worker.stop()
    worker.join()
    time.sleep(relay.SILENCE + 0.1)
    with pytest.raises(BackendUnavailable):
        relay.admit()


def test_wait__until_the_deadline_while_a_worker_works(worker):
    name = relay.post(JOB, 1)
    relay.take(name, "w1")
    start = time.monotonic()
    with pytest.raises(SearchTimeout):
        relay.wait(name, 1)
    assert 0.9 < time.monotonic() - start < 1.5


def test_wait__the_worker_that_took_it_dies(worker):
    """Another one lives, and does not have this job."""
    mortal = relay.SignsOfLife("w2", lambda: None)
    mortal.give()
    name = relay.post(JOB, 10)
    relay.take(name, "w2")
    with told_within(TOLD, BackendUnavailable):
        relay.wait(name, 10)


def test_wait__the_last_worker_dies_before_it_takes_it():
    relay.SignsOfLife("w1", lambda: None).give()
    name = relay.post(JOB, 10)
    with told_within(TOLD, BackendUnavailable):
        relay.wait(name, 10)


@pytest.mark.parametrize("taken", [False, True])
def test_wait__redis_flushed(worker, redis_server, taken):
    name = relay.post(JOB, 10)
    if taken:
        relay.take(name, "w1")
    with redis_server.client() as client:
        client.flushall()
    with told_within(TOLD, BackendUnavailable):
        relay.wait(name, 10)


def test_wait__answer_lost(worker, redis_server):
    """The worker says that it lives, and its answer is gone: only the deadline tells."""
    name = relay.post(JOB, 1)
    relay.take(name, "w1")
    relay.answer(name, {})
    with redis_server.client() as client:
        client.delete(relay.key_of("answer", name))
    with told_within(TOLD, SearchTimeout):
        relay.wait(name, 1)


def test_wait__answer_that_comes_with_the_last_look(worker, monkeypatch):
    name = relay.post(JOB, 5)
    relay.take(name, "w1")

    def gone(job):
        relay.answer(job, {"late": True})
        return False

    monkeypatch.setattr(relay, "is_coming", gone)
    assert relay.wait(name, 5) == {"late": True}


def test_redis_stopped(worker, redis_server):
    name = relay.post(JOB, 5)
    stopping = threading.Timer(0.3, redis_server.stop)
    stopping.start()
    with told_within(TOLD, BackendUnavailable):
        relay.wait(name, 5)
    stopping.join()
    for ask in (relay.admit, lambda: relay.post(JOB, 1)):
        with told_within(TOLD, BackendUnavailable):
            ask()
    redis_server.start()
    wait_until_alive()
    assert relay.take(relay.post(JOB, 3), "w1")


def test_redis_hangs(worker, redis_server):
    redis_server.pause()
    with told_within(TOLD, BackendUnavailable):
        relay.admit()
    redis_server.resume()
    wait_until_alive()


def test_redis_restarted__no_search_pays_for_old_connections(worker, redis_server):
    relay.admit()
    redis_server.stop()
    redis_server.start()
    relay.SignsOfLife("w1", lambda: None).give()
    assert relay.admit() is None


def test_look__a_job_that_nobody_waits_for(worker):
    name = relay.post(JOB, 5, "of-a-query")
    assert (name, relay.look(name)) == ("of-a-query", {})
    relay.take(name, "w1")
    assert relay.look(name) == {}
    relay.answer(name, {"hits": []})
    assert relay.look(name) == relay.look(name) == {"hits": []}
    assert relay.look("another") is None


def test_look__nobody_will_do_it(worker):
    name = relay.post(JOB, 5)
    relay.take(name, "a worker that is gone")
    with pytest.raises(BackendUnavailable):
        relay.look(name)
