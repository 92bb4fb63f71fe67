"""Pass jobs and results between web processes and search workers through Redis."""

from __future__ import annotations

import json
import logging
import time
import uuid
from functools import lru_cache
from typing import Any

import msgpack
import redis

from .. import conf
from ..encoders.preprocess import InputSpec
from ..exceptions import BackendUnavailable, Overloaded, SearchTimeout
from .heartbeat import ALIVE, LOOK
from .redis_client import client, key_of, pipeline

logger = logging.getLogger(__name__)
Job = dict[str, Any]
Answer = dict[str, Any]
QUEUE = "visualsearch:jobs"
# Redis before 7 rounds a wait of less than a millisecond down to 0, which means forever.
SHORTEST = 0.01
# Seconds for which an answer is kept for a slow web process.
ANSWER_KEPT = 30


def admit() -> InputSpec | None:
    """Return the input format of the workers' model; raise an error if a job would be rejected.

    None if the format is unknown, or if the loaded models of a worker have different ones. Raises
    BackendUnavailable if Redis is down or no worker is alive, Overloaded if ``MAX_QUEUE`` jobs
    wait.
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
    """Parse the input format of the worker's model from its heartbeat; None if it is unknown."""
    values = json.loads(alive)
    return InputSpec(**values) if values else None


def post(job: Job, seconds: float, name: str = "") -> str:
    """Queue a job that expires after ``seconds``; return its id.

    ``name``: the id to use, "" for a random one. Raises BackendUnavailable if Redis is down.
    """
    name = name or uuid.uuid4().hex
    commands = pipeline().set(key_of("job", name), msgpack.packb(job), px=int(seconds * 1000))
    try:
        commands.rpush(QUEUE, name).execute()
    except redis.RedisError as error:
        raise BackendUnavailable from error
    return name


def wait(name: str, seconds: float) -> Answer:
    """Wait up to ``seconds`` for a job's answer, and return the answer; ``name``: the job's id.

    Raises SearchTimeout after that time, BackendUnavailable as soon as Redis is down or no living
    worker can answer.
    """
    key, end = key_of("answer", name), time.monotonic() + seconds
    found: Any = None
    try:
        while (left := end - time.monotonic()) > 0:
            _, found = client().blpop([key], timeout=wait_for(left)) or (key, None)
            if found is None and not is_coming(name):
                found = client().lpop(key)  # the answer may have arrived meanwhile
                if found is None:
                    raise BackendUnavailable
            if found is not None:
                answer: Answer = msgpack.unpackb(found)
                return answer
    except redis.RedisError as error:
        raise BackendUnavailable from error
    raise SearchTimeout


def wait_for(left: float) -> float:
    """Return the seconds for which the next read may block; ``left``: seconds to the deadline."""
    return max(SHORTEST, min(LOOK, left))


def look(name: str) -> Answer | None:
    """Return the answer to the job with the id ``name``, without waiting.

    {} if the job is waiting or running, None if it is unknown or expired. Raises BackendUnavailable
    if Redis is down, or if the job's worker, or every worker, has stopped.
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
    """Return whether an answer to the job can still come.

    True if the job is queued and any worker is alive, or if the worker that took it is alive.
    """
    job, taken = key_of("job", name), key_of("taken", name)
    waiting, worker, alive = pipeline().exists(job).get(taken).exists(ALIVE).execute()
    if worker is not None:
        return bool(client().exists(key_of("worker", worker.decode())))
    return bool(waiting and alive)


def next_job() -> str | None:
    """Return the id of the oldest job in the queue, or None after :data:`LOOK` seconds."""
    found = client().blpop([QUEUE], timeout=LOOK)
    return str(found[1], "ascii") if found else None  # type: ignore[arg-type]


def take(name: str, worker: str) -> Job | None:
    """Take a job from Redis for the worker named ``worker``; return None if the job has expired.

    ``name``: the job's id. The job gets the key ``waited``: milliseconds that it spent in the
    queue, by Redis's clock.
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
    """Publish the result of the job with the id ``name``; this wakes the waiting web process."""
    key = key_of("answer", name)
    pipeline(transaction=True).rpush(key, msgpack.packb(value)).expire(key, ANSWER_KEPT).execute()
