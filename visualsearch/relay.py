"""Between web processes and search workers: jobs, answers and signs of life, as keys in Redis.

A list carries the ids of jobs. The job itself lies under a key that Redis drops at the job's
deadline, by its own clock: a worker that comes too late finds nothing to do, whatever the clocks of
two machines say, and no photo outlives the search for it. The answer comes back on a list that the
web process waits at, so nobody polls.

Why not a Celery task a search: its message, acknowledgement and bookkeeping took 5 ms of CPU and
2.5 ms of each search, and what they buy, that a task is done late rather than never, is of no use
to somebody who waits.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import msgpack
import redis
from django.core.signals import setting_changed
from redis.backoff import NoBackoff
from redis.retry import Retry

from . import conf
from .encoders.preprocess import InputSpec
from .exceptions import BackendUnavailable, Overloaded, SearchTimeout

logger = logging.getLogger(__name__)

Job = dict[str, Any]
Answer = dict[str, Any]

QUEUE = "visualsearch:jobs"
ALIVE = "visualsearch:alive"

# Seconds between two signs of life, and after which a silent worker is taken for dead: with the
# seconds between two looks of a waiting web process, a customer knows within two.
BEAT, SILENCE, LOOK = 0.4, 1.4, 0.3
# Redis before 7 rounds a wait of less than a millisecond down to 0, which means for ever.
SHORTEST = 0.01
# Seconds that Redis may take for anything.
PATIENCE = 1.0
# Seconds for which an answer is kept for a web process that is slow to take it.
ANSWER_KEPT = 30


@lru_cache(maxsize=4)
def connect(url: str) -> redis.Redis:
    """One client per process and address; its pool notices a fork."""
    return redis.Redis.from_url(
        url,
        socket_timeout=PATIENCE,
        socket_connect_timeout=PATIENCE,
        # A connection that Redis closed by its restart is opened again. What hangs is not.
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )


def client() -> redis.Redis:
    """The Redis of the settings."""
    return connect(conf.get("REDIS_URL"))


def key_of(kind: str, name: str) -> str:
    """Where something lies: a job, its answer, who took it, a worker's sign of life."""
    return f"visualsearch:{kind}:{name}"


# --- in web processes --------------------------------------------------------------------------


def admit() -> InputSpec | None:
    """Refuse before anything is done for it: raises BackendUnavailable or Overloaded.

    Returns what the workers' model makes of an image, as far as they know.
    """
    try:
        alive, waiting = pipeline().get(ALIVE).llen(QUEUE).execute()
    except redis.RedisError as error:
        raise BackendUnavailable from error
    if alive is None:
        raise BackendUnavailable
    if waiting >= conf.get("MAX_QUEUE"):
        raise Overloaded
    return read_spec(alive)


@lru_cache(maxsize=8)
def read_spec(alive: bytes) -> InputSpec | None:
    """What a sign of life says of the model."""
    values = json.loads(alive)
    return InputSpec(**values) if values else None


def post(job: Job, seconds: float, name: str = "") -> str:
    """Lay a job down for ``seconds``; returns its id.

    ``name`` is that id, where somebody else must know it.
    """
    name = name or uuid.uuid4().hex
    commands = pipeline().set(key_of("job", name), msgpack.packb(job), px=int(seconds * 1000))
    try:
        commands.rpush(QUEUE, name).execute()
    except redis.RedisError as error:
        raise BackendUnavailable from error
    return name


def wait(name: str, seconds: float) -> Answer:
    """The answer to a job; raises SearchTimeout, or BackendUnavailable when none can come."""
    key, end = key_of("answer", name), time.monotonic() + seconds
    found: Any = None
    try:
        while (left := end - time.monotonic()) > 0:
            _, found = client().blpop([key], timeout=wait_for(left)) or (key, None)
            if found is None and not is_coming(name):
                found = client().lpop(key)  # it may have come in between
                if found is None:
                    raise BackendUnavailable
            if found is not None:
                answer: Answer = msgpack.unpackb(found)
                return answer
    except redis.RedisError as error:
        raise BackendUnavailable from error
    raise SearchTimeout


def wait_for(left: float) -> float:
    """Return how long Redis may wait at once, in seconds, when ``left`` of them remain."""
    return max(SHORTEST, min(LOOK, left))


def look(name: str) -> Answer | None:
    """The answer to a job that nobody waits for, or None for a name that is not of such a job.

    ``{}`` while it is still to come. Raises BackendUnavailable when none can come.
    """
    answered, job, taken = (key_of(kind, name) for kind in ("answer", "job", "taken"))
    try:
        found, *open_ = pipeline().lindex(answered, 0).exists(job).exists(taken).execute()
        if found is not None:
            answer: Answer = msgpack.unpackb(found)
            return answer
        if not any(open_):
            return None
        if not is_coming(name):
            raise BackendUnavailable
    except redis.RedisError as error:
        raise BackendUnavailable from error
    return {}


def is_coming(name: str) -> bool:
    """Whether a job is waiting for a living worker, or is worked on by one that lives."""
    job, taken = key_of("job", name), key_of("taken", name)
    waiting, worker, alive = pipeline().exists(job).get(taken).exists(ALIVE).execute()
    if worker is not None:
        return bool(client().exists(key_of("worker", worker.decode())))
    return bool(waiting and alive)


# --- in search workers -------------------------------------------------------------------------


def next_job() -> str | None:
    """The id of the job that has waited longest, as soon as there is one; None after a while."""
    found = client().blpop([QUEUE], timeout=LOOK)
    return str(found[1], "ascii") if found else None  # type: ignore[arg-type]


def take(name: str, worker: str) -> Job | None:
    """The job for this worker; None where its deadline is over, or Redis lost it.

    Its ``waited`` is then the milliseconds that it lay there, by Redis's clock.
    """
    key, taken = key_of("job", name), key_of("taken", name)
    kept = int(conf.get("ASYNC_TIMEOUT") * 1000)
    commands = pipeline(transaction=True).pttl(key).getdel(key).set(taken, worker, px=kept)
    left, stored, _ = commands.execute()
    if stored is None:
        client().delete(taken)
        return None
    job: Job = msgpack.unpackb(stored)
    return {**job, "waited": round(job["seconds"] * 1000 - left, 1)}


def answer(name: str, value: Answer) -> None:
    """Hand over an answer; who waits for it has it at once."""
    key = key_of("answer", name)
    pipeline(transaction=True).rpush(key, msgpack.packb(value)).expire(key, ANSWER_KEPT).execute()


class SignsOfLife(threading.Thread):
    """Tells web processes that a worker is there, until :meth:`stop`.

    ``spec`` is asked for what the model of this worker makes of an image.
    """

    def __init__(self, worker: str, spec: Callable[[], InputSpec | None]):
        super().__init__(name="visualsearch-signs-of-life", daemon=True)
        self.worker, self.spec = key_of("worker", worker), spec
        self.stopped = threading.Event()

    def run(self) -> None:
        silent = False
        while not self.stopped.is_set():
            try:
                self.give()
                silent = False
            except redis.RedisError as error:
                if not silent:
                    logger.warning("Redis does not answer: %s", error)
                silent = True
            self.stopped.wait(BEAT)

    def give(self) -> None:
        """One sign."""
        spec, milliseconds = self.spec(), int(SILENCE * 1000)
        alive = json.dumps(asdict(spec) if spec else None)
        commands = pipeline().set(self.worker, 1, px=milliseconds)
        commands.set(ALIVE, alive, px=milliseconds).execute()

    def stop(self) -> None:
        """End it; what it said last is believed for a moment."""
        self.stopped.set()


def pipeline(*, transaction: bool = False) -> Any:
    """Several commands in one round trip."""
    return client().pipeline(transaction=transaction)


def reset(*, setting: str, **kwargs: object) -> None:
    """Forget the connections when a test overrides the settings."""
    if setting == "VISUALSEARCH":
        connect.cache_clear()


setting_changed.connect(reset)
