"""Pass jobs and replies between web processes and search workers through Redis.

A job that a client waits for takes the fast lane: its id goes onto the list :func:`queue`, from
which search threads pop it. A job that nobody waits for is named by a Celery task instead. Both
kinds lie under a key that expires with them.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from functools import lru_cache
from typing import Any

import redis

from .. import conf
from ..encoders.preprocess import InputSpec
from ..exceptions import BackendUnavailable, Overloaded, SearchTimeout
from ..redis_client import client, key_of, pipeline, shared_key
from .heartbeat import CHECK, alive_key
from .messages import Job, Reply, decode_failure, decode_job, decode_reply, encode

# Redis before 7 rounds a wait of less than a millisecond down to 0, which means forever.
SHORTEST = 0.01
# Seconds for which a reply is kept for a slow web process.
REPLY_KEPT = 30
# Seconds for which the copy of a query is kept if the worker that should store it was killed.
COPY_KEPT = 60


def queue() -> str:
    """Return the key of the list of waiting jobs."""
    return shared_key("jobs")


def later() -> str:
    """Return the key of the jobs whose clients do not wait, by the time at which they expire."""
    return shared_key("later")


# --- in web processes ---


def worker_input() -> InputSpec | None:
    """Return the input format of the workers' model; raise an error if a job would be rejected.

    None if the format is unknown, or if the loaded models of a worker have different ones. Raises
    BackendUnavailable if Redis is down or no worker is alive, Overloaded if ``MAX_QUEUE`` jobs
    wait.
    """
    try:
        alive, waiting = pipeline().get(alive_key()).llen(queue()).execute()
    except redis.RedisError as error:
        raise BackendUnavailable from error
    if alive is None:
        raise BackendUnavailable
    if waiting >= conf.get("MAX_QUEUE"):
        raise Overloaded
    return read_spec(alive)


@lru_cache(maxsize=8)
def read_spec(alive: bytes) -> InputSpec | None:
    """Parse the input format of the worker's model from its heartbeat; None if it is unknown."""
    values = json.loads(alive)
    return InputSpec(**values) if values else None


def post(job: Job, name: str) -> None:
    """Put a job into the fast lane under the id ``name``.

    Raises BackendUnavailable if Redis is down.
    """
    try:
        storing(job, name).rpush(queue(), name).execute()
    except redis.RedisError as error:
        raise BackendUnavailable from error


def store(job: Job, name: str) -> None:
    """Store a job for a Celery task that will name it; raise BackendUnavailable without Redis."""
    try:
        storing(job, name).execute()
    except redis.RedisError as error:
        raise BackendUnavailable from error


def store_for_later(job: Job, name: str) -> None:
    """Store a job whose client does not wait; raises as :func:`store` does.

    Raises Overloaded if ``MAX_QUEUE`` of them wait already.
    """
    now = time.time()
    try:
        waiting = pipeline().zremrangebyscore(later(), "-inf", now).zcard(later()).execute()[1]
        if waiting >= conf.get("MAX_QUEUE"):
            raise Overloaded
        storing(job, name).zadd(later(), {name: now + job.seconds}).execute()
    except redis.RedisError as error:
        raise BackendUnavailable from error


def storing(job: Job, name: str) -> Any:
    """Return a pipeline with the command that stores the job until it expires."""
    return pipeline().set(key_of("job", name), encode(job), px=int(job.seconds * 1000))


def wait(name: str, kind: str, seconds: float) -> Reply[Any]:
    """Wait up to ``seconds`` for the reply to a job, and return it.

    ``name``: the job's id; ``kind``: of its request. Raises SearchTimeout after that time,
    BackendUnavailable as soon as Redis is down or no living worker can reply.
    """
    key, end = key_of("answer", name), time.monotonic() + seconds
    found: Any = None
    try:
        while (left := end - time.monotonic()) > 0:
            _, found = client().blpop([key], timeout=wait_for(left)) or (key, None)
            if found is None and not is_coming(name):
                found = client().lpop(key)  # the reply may have arrived meanwhile
                if found is None:
                    raise BackendUnavailable
            if found is not None:
                return decode_reply(found, kind)
    except redis.RedisError as error:
        raise BackendUnavailable from error
    raise SearchTimeout


def wait_for(left: float) -> float:
    """Return the seconds for which the next read may block; ``left``: seconds to the deadline."""
    return max(SHORTEST, min(CHECK, left))


def is_pending(name: str) -> bool:
    """Return whether the job with the id ``name`` is waiting or running, without waiting for it.

    False if it is done, unknown or expired. Raises the job's error if it failed, BackendUnavailable
    if Redis is down, or if the job's worker, or every worker, has stopped.
    """
    answered, job, taken = (key_of(kind, name) for kind in ("answer", "job", "taken"))
    try:
        found, *open_ = pipeline().lindex(answered, 0).exists(job).exists(taken).execute()
        if found is not None:
            if failure := decode_failure(found):
                raise failure.error()
            return False
        if not any(open_):
            return False
        if not is_coming(name):
            raise BackendUnavailable
    except redis.RedisError as error:
        raise BackendUnavailable from error
    return True


def is_coming(name: str) -> bool:
    """Return whether a reply to the job can still come.

    True if the job waits and any worker is alive, or if the worker that took it is alive.
    """
    job, taken = key_of("job", name), key_of("taken", name)
    waiting, worker, alive = pipeline().exists(job).get(taken).exists(alive_key()).execute()
    if worker is not None:
        return bool(client().exists(key_of("worker", worker.decode())))
    return bool(waiting and alive)


# --- in search workers ---


def next_job() -> str | None:
    """Return the id of the oldest job in the fast lane, or None after :data:`CHECK` seconds."""
    found = client().blpop([queue()], timeout=CHECK)
    return str(found[1], "ascii") if found else None  # type: ignore[arg-type]


def take(name: str, worker: str) -> Job | None:
    """Take a job from Redis for the worker named ``worker``; return None if the job has expired.

    ``name``: the job's id.
    """
    key, taken = key_of("job", name), key_of("taken", name)
    kept = int(conf.get("ASYNC_TIMEOUT") * 1000)
    commands = pipeline(transaction=True).pttl(key).getdel(key).set(taken, worker, px=kept)
    left, found, *_ = commands.zrem(later(), name).execute()
    if found is None:
        client().delete(taken)
        return None
    job = decode_job(found)
    return replace(job, waited=round(job.seconds * 1000 - left, 1))


def reply(name: str, value: Reply[Any], copy: tuple[str, bytes] | None = None) -> None:
    """Publish the reply to the job with the id ``name``; this wakes the waiting web process.

    ``copy``: key and value of the query that the reply belongs to, until it is stored.
    Raises TypeError if the result holds a value that cannot be serialised.
    """
    key = key_of("answer", name)
    commands = pipeline(transaction=True)
    if copy:
        commands.set(*copy, ex=COPY_KEPT)
    commands.rpush(key, encode(value)).expire(key, REPLY_KEPT).execute()
