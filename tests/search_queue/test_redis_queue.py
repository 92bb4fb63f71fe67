"""Jobs, answers and heartbeats through a real Redis."""

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.helpers.hanging import HANGS, before_the_hang_ends, until
from tests.helpers.pictures import picture
from visualsearch import redis_client
from visualsearch.encoders.preprocess import InputSpec
from visualsearch.exceptions import BackendUnavailable, Overloaded, SearchTimeout
from visualsearch.photos.decode import Photo
from visualsearch.search.requests import ClassifyRequest
from visualsearch.search.results import Classification, Prediction
from visualsearch.search_queue import heartbeat, redis_queue
from visualsearch.search_queue.messages import Failure, Job, Reply, decode_request, encode_request
from visualsearch.search_queue.photo_packing import pack

# Seconds; long enough for slow machines.
LONG = 3 * HANGS
JOB = Job(kind="classify", request=encode_request(ClassifyRequest()), seconds=LONG)


def post(job=JOB):
    """Queue a job and return its id."""
    name = uuid.uuid4().hex
    redis_queue.post(job, name)
    return name


def reply(label="dress"):
    return Reply(result=Classification(predictions=[Prediction(label=label, probability=0.5)]))


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
    beats = heartbeat.Heartbeat("w1", lambda: None)
    beats.start()
    wait_until_alive()
    yield beats
    beats.stop()
    beats.join()


def is_admitted():
    try:
        redis_queue.worker_input()
    except BackendUnavailable:
        return False
    return True


def wait_until_alive():
    until(is_admitted, "no heartbeat")


def test_constants__a_customer_knows_within_two_seconds():
    """A dead worker is noticed within two seconds: heartbeat lifetime plus polling interval."""
    assert heartbeat.BEAT < heartbeat.SILENCE
    assert heartbeat.SILENCE + 2 * heartbeat.CHECK <= 2
    assert redis_client.TIMEOUT <= 1


def test_answer__comes_to_who_waits(worker, redis_server):
    """The waiting client blocks in Redis instead of polling."""

    def work():
        job = redis_queue.take(name, "w1")
        assert decode_request(job) == ClassifyRequest()
        assert 0 <= job.waited < LONG * 1000
        with redis_server.client() as client:
            until(lambda: client.info("clients")["blocked_clients"], "nobody waits at Redis")
        redis_queue.reply(name, reply("hat"))

    name = post()
    assert redis_queue.next_job() == name
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        assert redis_queue.wait(name, "classify", LONG) == reply("hat")
        working.result()


def test_answer__of_many_each_gets_its_own(worker):
    names = [post(replace(JOB, language=str(n))) for n in range(8)]

    def work():
        for name in reversed(names):
            redis_queue.reply(name, reply(redis_queue.take(name, "w1").language))

    with ThreadPoolExecutor(9) as pool:
        waiting = [pool.submit(redis_queue.wait, name, "classify", LONG) for name in names]
        pool.submit(work).result()
        assert [each.result() for each in waiting] == [reply(str(n)) for n in range(8)]


def test_wait__leaves_no_photo_behind(worker, redis_server):
    name = post(replace(JOB, photo=pack(Photo(image=picture(1)), None)))
    with redis_server.client() as client:
        assert 0 < client.pttl(redis_client.key_of("job", name)) <= LONG * 1000
        assert redis_queue.next_job() == name
        redis_queue.take(name, "w1")
        assert client.get(redis_client.key_of("job", name)) is None
        redis_queue.reply(name, reply())
        assert 0 < client.ttl(redis_client.key_of("answer", name)) <= redis_queue.REPLY_KEPT
        redis_queue.wait(name, "classify", LONG)
        assert not client.exists(redis_client.key_of("answer", name))
        assert all(client.ttl(key) > 0 for key in client.scan_iter("*"))


def test_next_job__in_their_order_and_none_after_a_while(worker):
    names = [post() for _ in range(3)]
    assert [redis_queue.next_job() for _ in range(3)] == names
    with before_the_hang_ends(lambda: post()):
        assert redis_queue.next_job() is None


def test_take__once_only(worker):
    name = post()
    assert redis_queue.take(name, "w1")
    assert redis_queue.take(name, "w2") is None


def test_take__too_late(worker):
    name = post(replace(JOB, seconds=0.05))
    time.sleep(0.1)
    assert redis_queue.take(name, "w1") is None


def test_take__the_clocks_of_two_machines_do_not_matter(worker, monkeypatch):
    name = post()
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
        redis_queue.worker_input()
    asked = commands(redis_server)
    assert (asked.pop("get"), asked.pop("llen")) == (1, 1)
    assert not [name for name in asked if name.startswith(("bl", "br", "set", "rpush", "sub"))]


def test_admit__what_the_model_makes_of_an_image(lasting):
    spec = InputSpec(size=160, fit="pad", mean=(0.1, 0.2, 0.3))
    heartbeat.Heartbeat("w1", lambda: spec).beat()
    found = redis_queue.worker_input()
    assert (found.size, found.fit, list(found.mean)) == (160, "pad", [0.1, 0.2, 0.3])


def test_admit__queue_is_full(worker, configure, redis_server):
    with redis_server.client() as client:
        client.rpush(redis_queue.queue(), *range(3))
    configure(MAX_QUEUE=3, REDIS_URL=redis_server.url)
    with pytest.raises(Overloaded):
        redis_queue.worker_input()
    configure(MAX_QUEUE=4, REDIS_URL=redis_server.url)
    assert redis_queue.worker_input() is None


def test_admit__worker_gone():
    """The last heartbeat expires by Redis's own clock."""
    heartbeat.Heartbeat("w1", lambda: None).beat()
    until(lambda: not is_admitted(), "a silent worker is believed for ever")


def test_wait__until_the_deadline_while_a_worker_works(worker):
    name = post()
    redis_queue.take(name, "w1")
    start = time.monotonic()
    with (
        before_the_hang_ends(lambda: redis_queue.reply(name, reply())),
        pytest.raises(SearchTimeout),
    ):
        redis_queue.wait(name, "classify", 1)
    assert time.monotonic() - start >= 1  # and not before it


def test_wait__the_worker_that_took_it_dies(worker, monkeypatch):
    """Another worker is alive but does not have this job."""
    monkeypatch.setattr(heartbeat, "SILENCE", 0.3)
    mortal = heartbeat.Heartbeat("w2", lambda: None)
    mortal.beat()
    monkeypatch.setattr(heartbeat, "SILENCE", LONG)
    name = post()
    redis_queue.take(name, "w2")
    with (
        before_the_hang_ends(lambda: redis_queue.reply(name, reply())),
        pytest.raises(BackendUnavailable),
    ):
        redis_queue.wait(name, "classify", LONG)


def test_wait__the_last_worker_dies_before_it_takes_it(monkeypatch):
    monkeypatch.setattr(heartbeat, "SILENCE", 0.3)
    heartbeat.Heartbeat("w1", lambda: None).beat()
    name = post()
    with (
        before_the_hang_ends(lambda: redis_queue.reply(name, reply())),
        pytest.raises(BackendUnavailable),
    ):
        redis_queue.wait(name, "classify", LONG)


@pytest.mark.parametrize("taken", [False, True])
def test_wait__redis_flushed(worker, redis_server, taken):
    name = post()
    if taken:
        redis_queue.take(name, "w1")
    with redis_server.client() as client:
        client.flushall()
    with (
        before_the_hang_ends(lambda: redis_queue.reply(name, reply())),
        pytest.raises(BackendUnavailable),
    ):
        redis_queue.wait(name, "classify", LONG)


def test_wait__answer_lost(worker, redis_server):
    """The worker is alive but its answer is lost, so the wait lasts until the deadline."""
    name = post()
    redis_queue.take(name, "w1")
    redis_queue.reply(name, reply())
    with redis_server.client() as client:
        client.delete(redis_client.key_of("answer", name))
    with (
        before_the_hang_ends(lambda: redis_queue.reply(name, reply())),
        pytest.raises(SearchTimeout),
    ):
        redis_queue.wait(name, "classify", 1)


def test_wait__less_than_a_millisecond_left(worker):
    """Redis 6 takes such a timeout for none: it failed a second too late, as a Redis error."""
    name = post()
    redis_queue.take(name, "w1")
    with pytest.raises(SearchTimeout):
        redis_queue.wait(name, "classify", 0.0009)


def test_wait__answer_that_comes_with_the_last_look(worker, monkeypatch):
    name = post()
    redis_queue.take(name, "w1")

    def gone(job):
        redis_queue.reply(job, reply("late"))
        return False

    monkeypatch.setattr(redis_queue, "is_coming", gone)
    assert redis_queue.wait(name, "classify", LONG) == reply("late")


def test_redis_stopped(worker, redis_server):
    name = post()
    stopping = threading.Timer(0.3, redis_server.stop)
    stopping.start()
    with before_the_hang_ends(redis_server.start), pytest.raises(BackendUnavailable):
        redis_queue.wait(name, "classify", LONG)
    stopping.join()
    for ask in (redis_queue.worker_input, lambda: post()):
        with before_the_hang_ends(redis_server.start), pytest.raises(BackendUnavailable):
            ask()
    redis_server.start()
    wait_until_alive()
    assert redis_queue.take(post(), "w1")


def test_redis_hangs(worker, redis_server):
    redis_server.pause()
    with before_the_hang_ends(redis_server.resume), pytest.raises(BackendUnavailable):
        redis_queue.worker_input()
    redis_server.resume()
    wait_until_alive()


def test_redis_restarted__no_search_pays_for_old_connections(worker, redis_server):
    redis_queue.worker_input()
    redis_server.stop()
    redis_server.start()
    heartbeat.Heartbeat("w1", lambda: None).beat()
    assert redis_queue.worker_input() is None


def test_is_pending__a_job_that_nobody_waits_for(worker):
    redis_queue.store_for_later(JOB, "of-a-query")
    assert redis_queue.is_pending("of-a-query")
    redis_queue.take("of-a-query", "w1")
    assert redis_queue.is_pending("of-a-query")
    redis_queue.reply("of-a-query", reply())
    assert not redis_queue.is_pending("of-a-query")
    assert not redis_queue.is_pending("another")


def test_is_pending__failed(worker):
    name = post()
    redis_queue.reply(name, Reply(failure=Failure(code="search_overloaded")))
    for _ in range(2):
        with pytest.raises(Overloaded):
            redis_queue.is_pending(name)


def test_is_pending__nobody_will_do_it(worker):
    name = post()
    redis_queue.take(name, "a worker that is gone")
    with pytest.raises(BackendUnavailable):
        redis_queue.is_pending(name)


def test_store_for_later__too_many_wait(worker, configure, redis_server):
    configure(MAX_QUEUE=3, REDIS_URL=redis_server.url)
    for n in range(3):
        redis_queue.store_for_later(JOB, f"later-{n}")
    with pytest.raises(Overloaded):
        redis_queue.store_for_later(JOB, "one too many")
    assert redis_queue.worker_input() is None  # those who wait are not refused
    assert redis_queue.take("later-1", "w1")
    redis_queue.store_for_later(JOB, "next")


def test_store_for_later__an_expired_job_waits_no_longer(worker, configure, redis_server):
    configure(MAX_QUEUE=1, REDIS_URL=redis_server.url)
    redis_queue.store_for_later(replace(JOB, seconds=0.05), "late")
    time.sleep(0.1)
    redis_queue.store_for_later(JOB, "next")
    with redis_server.client() as client:
        assert client.zrange(redis_queue.later(), 0, -1) == [b"next"]
