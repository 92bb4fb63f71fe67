"""A Redis server for one test that can be stopped, frozen and restarted."""

from __future__ import annotations

import signal
import subprocess
import tempfile
from contextlib import suppress
from typing import Self

import redis

from shop.tools import servers
from shop.tools.ports import free_port
from shop.tools.stack import until

START = 20


class RedisServer:
    """A context manager that runs Redis on 127.0.0.1 without persistence."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start Redis and wait until it answers."""
        place = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", tempfile.gettempdir()]
        command = [servers.redis_program(), *place, "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until(self.answers, START, "Redis does not answer")

    def stop(self) -> None:
        """Stop Redis, even if it is frozen."""
        if self.process is not None:
            self.resume()
            self.process.terminate()
            self.process.wait(START)
            self.process = None

    def pause(self) -> None:
        """Freeze Redis: it accepts connections but does not answer."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Resume a frozen Redis."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def client(self) -> redis.Redis:
        """Return a new client."""
        return redis.Redis(port=self.port)

    def answers(self) -> bool:
        """Return whether Redis answers a ping."""
        with suppress(redis.RedisError), self.client() as client:
            return bool(client.ping())
        return False
