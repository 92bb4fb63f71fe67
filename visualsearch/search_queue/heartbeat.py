"""Send the heartbeats of a search worker."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import asdict

import redis

from ..encoders.preprocess import InputSpec
from ..redis_client import key_of, pipeline, shared_key

logger = logging.getLogger(__name__)
# Seconds between heartbeats, until a silent worker counts as dead, and between two checks by a
# waiting web process. Together, a customer learns of a dead worker within two seconds.
BEAT, SILENCE, CHECK = 0.4, 1.4, 0.3


def alive_key() -> str:
    """Return the key that exists while any search worker sends heartbeats."""
    return shared_key("alive")


class Heartbeat(threading.Thread):
    """A thread that sends a search worker's heartbeats until :meth:`stop`.

    ``worker``: the worker's name. ``spec``: a callable that returns the input format of the
    worker's model, None if it is unknown; it is sent along with each heartbeat.
    """

    def __init__(self, worker: str, spec: Callable[[], InputSpec | None]):
        super().__init__(name="visualsearch-heartbeat", daemon=True)
        self.sender = worker
        self.worker, self.spec = key_of("worker", worker), spec
        self.stopped = threading.Event()

    def run(self) -> None:
        failing = False
        while not self.stopped.is_set():
            try:
                self.beat()
                failing = False
            except redis.RedisError as error:
                if not failing:
                    logger.warning(
                        "Redis does not respond, so web processes consider this worker dead: %s",
                        error,
                    )
                failing = True
            self.stopped.wait(BEAT)

    def beat(self) -> None:
        """Send one heartbeat."""
        spec, milliseconds = self.spec(), int(SILENCE * 1000)
        alive = json.dumps(asdict(spec) if spec else None)
        commands = pipeline().set(self.worker, 1, px=milliseconds)
        commands.set(alive_key(), alive, px=milliseconds).execute()

    def stop(self) -> None:
        """End the thread; its last heartbeat remains valid for up to :data:`SILENCE` seconds."""
        self.stopped.set()


def heartbeat_name(hostname: str) -> str:
    """Return the name under which this process sends heartbeats.

    ``hostname``: node name of its Celery worker, for a process that sends none.
    """
    names = [each.sender for each in threading.enumerate() if isinstance(each, Heartbeat)]
    return names[-1] if names else hostname
