"""Jobs, answers and heartbeats through a real Redis."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.helpers.hanging import HANGS, before_the_hang_ends, until
from visualsearch.encoders.preprocess import InputSpec
from visualsearch.exceptions import BackendUnavailable, Overloaded, SearchTimeout
from visualsearch.search_queue import heartbeat, redis_client, redis_queue

# Seconds; long enough for slow machines.
LONG = 3 * HANGS
JOB = {"what": "similar", "arguments": {"item": "P1"}, "seconds": LONG}


@pytest.fixture(autouse=True)
def connected(configure, redis_server):
    configure(REDIS_URL=redis_server.url)


@pytest.fixture
def lasting(monkeypatch):
    """Make heartbeats last for the whole test, even on a slow machine."""
    monkeypatch.setattr(heartbeat, "SILENCE", LONG)


@pytest.fixture
def worker(lasting):
    """A worker that sends heartbeats until it is stopped."""
    signs = heartbeat.SignsOfLife("w1", lambda: None)
    signs.start()
    wait_until_alive()
    yield signs
    signs.stop()
    signs.join()


def is_admitted():
    try:
        redis_queue.admit()
    except BackendUnavailable:
        return False
    return True


def wait_until_alive():
    until(is_admitted, "no sign of life")


def test_constants__a_customer_knows_within_two_seconds():
    """A dead worker is noticed within two seconds: heartbeat lifetime plus polling interval."""
    assert heartbeat.BEAT < heartbeat.SILENCE
    assert heartbeat.SILENCE + 2 * heartbeat.LOOK <= 2
    assert redis_client.PATIENCE <= 1


def test_answer__comes_to_who_waits(worker, redis_server):
    """The waiting client blocks in Redis instead of polling."""

    def work():
        job = redis_queue.take(name, "w1")
        assert job["arguments"] == {"item": "P1"}
        assert 0 <= job["waited"] < LONG * 1000
        with redis_server.client() as client:
            until(lambda: client.info("clients")["blocked_clients"], "nobody waits at Redis")
        redis_queue.answer(name, {"hits": [b"bytes", 1.5, None]})

    name = redis_queue.post(JOB, LONG)
    assert redis_queue.next_job() == name
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        assert redis_queue.wait(name, LONG) == {"hits": [b"bytes", 1.5, None]}
        working.result()


def test_answer__of_many_each_gets_its_own(worker):
    names = [redis_queue.post({**JOB, "arguments": {"item": n}}, LONG) for n in range(8)]

    def work():
        for name in reversed(names):
            redis_queue.answer(name, redis_queue.take(name, "w1")["arguments"])

    with ThreadPoolExecutor(9) as pool:
        waiting = [pool.submit(redis_queue.wait, name, LONG) for name in names]
        pool.submit(work).result()
        assert [each.result()["item"] for each in waiting] == list(range(8))


def test_wait__leaves_no_photo_behind(worker, redis_server):
    name = redis_queue.post({**JOB, "arguments": {"photo": b"x" * 1000}}, LONG)
    with redis_server.client() as client:
        assert 0 < client.pttl(redis_client.key_of("job", name)) <= LONG * 1000
        assert redis_queue.next_job() == name
        redis_queue.take(name, "w1")
        assert client.get(redis_client.key_of("job", name)) is None
        redis_queue.answer(name, {})
        assert 0 < client.ttl(redis_client.key_of("answer", name)) <= redis_queue.ANSWER_KEPT
        redis_queue.wait(name, LONG)
        assert not client.exists(redis_client.key_of("answer", name))
        assert all(client.ttl(key) > 0 for key in client.scan_iter("*"))


def test_next_job__in_their_order_and_none_after_a_while(worker):
    names = [redis_queue.post(JOB, LONG) for _ in range(3)]
    assert [redis_queue.next_job() for _ in range(3)] == names
    with before_the_hang_ends(lambda: redis_queue.post(JOB, LONG)):
        assert redis_queue.next_job() is None


def test_take__once_only(worker):
    name = redis_queue.post(JOB, LONG)
    assert redis_queue.take(name, "w1")
    assert redis_queue.take(name, "w2") is None


def test_take__too_late(worker):
    name = redis_queue.post(JOB, 0.05)
    time.sleep(0.1)
    assert redis_queue.take(name, "w1") is None


def test_take__the_clocks_of_two_machines_do_not_matter(worker, monkeypatch):
    name = redis_queue.post(JOB, LONG)
    monkeypatch.setattr(time, "time", lambda: 0.0)  # of the worker's machine
    assert redis_queue.take(name, "w1")


def commands(redis_server):
    """Return how often each command was sent to a Redis."""
    with redis_server.client() as client:
        found = client.info("commandstats")
    return {name.removeprefix("cmdstat_"): each["calls"] for name, each in found.items()}


def test_admit__nobody_is_there(redis_server):
    """Without a worker, one GET and one LLEN are enough to refuse; no waiting, no retry."""
    redis_client.connect(redis_server.url).ping()
    with redis_server.client() as client:
        client.config_resetstat()
    with pytest.raises(BackendUnavailable):
        redis_queue.admit()
    asked = commands(redis_server)
    assert (asked.pop("get"), asked.pop("llen")) == (1, 1)
    assert not [name for name in asked if name.startswith(("bl", "br", "set", "rpush", "sub"))]


def test_admit__what_the_model_makes_of_an_image(lasting):
    spec = InputSpec(size=160, fit="pad", mean=(0.1, 0.2, 0.3))
    heartbeat.SignsOfLife("w1", lambda: spec).give()
    found = redis_queue.admit()
    assert (found.size, found.fit, list(found.mean)) == (160, "pad", [0.1, 0.2, 0.3])


def test_admit__queue_is_full(worker, configure, redis_server):
    with redis_server.client() as client:
        client.rpush(redis_queue.QUEUE, *range(3))
    configure(MAX_QUEUE=3, REDIS_URL=redis_server.url)
    with pytest.raises(Overloaded):
        redis_queue.admit()
    configure(MAX_QUEUE=4, REDIS_URL=redis_server.url)
    assert redis_queue.admit() is None


def test_admit__worker_gone():
    """The last heartbeat expires by Redis's own clock."""
    heartbeat.SignsOfLife("w1", lambda: None).give()
    until(lambda: not is_admitted(), "a silent worker is believed for ever")


def test_wait__until_the_deadline_while_a_worker_works(worker):
    name = redis_queue.post(JOB, LONG)
    redis_queue.take(name, "w1")
    start = time.monotonic()
    with before_the_hang_ends(lambda: redis_queue.answer(name, {})), pytest.raises(SearchTimeout):
        redis_queue.wait(name, 1)
    assert time.monotonic() - start >= 1  # and not before it


def test_wait__the_worker_that_took_it_dies(worker, monkeypatch):
    """Another worker is alive but does not have this job."""
    monkeypatch.setattr(heartbeat, "SILENCE", 0.3)
    mortal = heartbeat.SignsOfLife("w2", lambda: None)
    mortal.give()
    monkeypatch.setattr(heartbeat, "SILENCE", LONG)
    name = redis_queue.post(JOB, LONG)
    redis_queue.take(name, "w2")
    with (
        before_the_hang_ends(lambda: redis_queue.answer(name, {})),
        pytest.raises(BackendUnavailable),
    ):
        redis_queue.wait(name, LONG)


def test_wait__the_last_worker_dies_before_it_takes_it(monkeypatch):
    monkeypatch.setattr(heartbeat, "SILENCE", 0.3)
    heartbeat.SignsOfLife("w1", lambda: None).give()
    name = redis_queue.post(JOB, LONG)
    with (
        before_the_hang_ends(lambda: redis_queue.answer(name, {})),
        pytest.raises(BackendUnavailable),
    ):
        redis_queue.wait(name, LONG)


@pytest.mark.parametrize("taken", [False, True])
def test_wait__redis_flushed(worker, redis_server, taken):
    name = redis_queue.post(JOB, LONG)
    if taken:
        redis_queue.take(name, "w1")
    with redis_server.client() as client:
        client.flushall()
    with (
        before_the_hang_ends(lambda: redis_queue.answer(name, {})),
        pytest.raises(BackendUnavailable),
    ):
        redis_queue.wait(name, LONG)


def test_wait__answer_lost(worker, redis_server):
    """The worker is alive but its answer is lost, so the wait lasts until the deadline."""
    name = redis_queue.post(JOB, LONG)
    redis_queue.take(name, "w1")
    redis_queue.answer(name, {})
    with redis_server.client() as client:
        client.delete(redis_client.key_of("answer", name))
    with before_the_hang_ends(lambda: redis_queue.answer(name, {})), pytest.raises(SearchTimeout):
        redis_queue.wait(name, 1)


def test_wait__less_than_a_millisecond_left(worker):
    """Redis 6 takes such a timeout for none: it failed a second too late, as a Redis error."""
    name = redis_queue.post(JOB, LONG)
    redis_queue.take(name, "w1")
    with pytest.raises(SearchTimeout):
        redis_queue.wait(name, 0.0009)


def test_wait__answer_that_comes_with_the_last_look(worker, monkeypatch):
    name = redis_queue.post(JOB, LONG)
    redis_queue.take(name, "w1")

    def gone(job):
        redis_queue.answer(job, {"late": True})
        return False

    monkeypatch.setattr(redis_queue, "is_coming", gone)
    assert redis_queue.wait(name, LONG) == {"late": True}


def test_redis_stopped(worker, redis_server):
    name = redis_queue.post(JOB, LONG)
    stopping = threading.Timer(0.3, redis_server.stop)
    stopping.start()
    with before_the_hang_ends(redis_server.start), pytest.raises(BackendUnavailable):
        redis_queue.wait(name, LONG)
    stopping.join()
    for ask in (redis_queue.admit, lambda: redis_queue.post(JOB, LONG)):
        with before_the_hang_ends(redis_server.start), pytest.raises(BackendUnavailable):
            ask()
    redis_server.start()
    wait_until_alive()
    assert redis_queue.take(redis_queue.post(JOB, LONG), "w1")


def test_redis_hangs(worker, redis_server):
    redis_server.pause()
    with before_the_hang_ends(redis_server.resume), pytest.raises(BackendUnavailable):
        redis_queue.admit()
    redis_server.resume()
    wait_until_alive()


def test_redis_restarted__no_search_pays_for_old_connections(worker, redis_server):
    redis_queue.admit()
    redis_server.stop()
    redis_server.start()
    heartbeat.SignsOfLife("w1", lambda: None).give()
    assert redis_queue.admit() is None


def test_look__a_job_that_nobody_waits_for(worker):
    name = redis_queue.post(JOB, LONG, "of-a-query")
    assert (name, redis_queue.look(name)) == ("of-a-query", {})
    redis_queue.take(name, "w1")
    assert redis_queue.look(name) == {}
    redis_queue.answer(name, {"hits": []})
    assert redis_queue.look(name) == redis_queue.look(name) == {"hits": []}
    assert redis_queue.look("another") is None


def test_look__nobody_will_do_it(worker):
    name = redis_queue.post(JOB, LONG)
    redis_queue.take(name, "a worker that is gone")
    with pytest.raises(BackendUnavailable):
        redis_queue.look(name)
