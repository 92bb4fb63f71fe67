"""A whole shop on this machine: Redis, Celery workers and a web server, each its own process."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import redis
from celery import Celery

from tests.stack.browser import Browser, Unreachable

ROOT = Path(__file__).resolve().parents[2]
# The server behind `runserver`, without its system checks: those import what web servers do not.
SERVE = """
import sys
from django.core.servers.basehttp import run
from shop.wsgi import application
run("127.0.0.1", int(sys.argv[1]), application, threading=True)
"""
# A process for each queue, so that what one of them writes must reach the other.
QUEUES = {"searcher": "visualsearch.search", "indexer": "visualsearch.index,celery"}
USERNAME, PASSWORD = "owner", "a long enough password"

# Seconds. Generous: a loaded machine must not fail a test that is not about speed.
START = 60
STOP = 5


def until(check: Callable[[], Any], seconds: float, what: Callable[[], str] | str) -> float:
    """Ask again until the answer is true; returns the seconds that it took."""
    start = time.monotonic()
    while not check():
        if time.monotonic() - start > seconds:
            reason = what if isinstance(what, str) else what()
            raise AssertionError(f"not within {seconds} s: {reason}")
        time.sleep(0.05)
    return time.monotonic() - start


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Stack:
    """Processes by name: ``redis``, ``searcher``, ``indexer``, ``web``; all files in one folder."""

    def __init__(self, folder: Path, redis_server: str):
        self.folder = folder
        self.redis_port, self.web_port = free_port(), free_port()
        self.redis_url = f"redis://127.0.0.1:{self.redis_port}/0"
        self.database = folder / "db.sqlite3"
        redis_options = f"--bind 127.0.0.1 --port {self.redis_port} --appendonly no --dir"
        worker_options = "-c 1 --without-gossip --without-mingle --loglevel INFO"
        self.commands = {
            "redis": [redis_server, *redis_options.split(), str(folder), "--save", ""],
            "web": [sys.executable, "-c", SERVE, str(self.web_port)],
        }
        for name, queues in QUEUES.items():
            command = f"-m celery -A shop worker -n {name}@stack -Q {queues} {worker_options}"
            self.commands[name] = [sys.executable, *command.split()]
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "shop.settings",
            "DEBUG": "true",
            "SECRET_KEY": "of the tests",
            "REDIS_URL": self.redis_url,
            "DATABASE_URL": f"sqlite:///{self.database}",
            "MEDIA_ROOT": str(folder / "media"),
            "VISUALSEARCH_DATA_DIR": str(folder / "index"),
        }

    def start(self, name: str) -> None:
        """Start a process in a group of its own; :meth:`ready` waits for it."""
        with self.log_path(name).open("ab") as log:
            self.running[name] = subprocess.Popen(
                self.commands[name],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ready(self, name: str) -> None:
        """Wait until a process answers."""
        answers = {"redis": self.redis_answers, "web": self.web_answers}

        def check() -> bool:
            assert self.running[name].poll() is None, f"{name} ended:\n{self.tail(name)}"
            return answers[name]() if name in answers else self.worker_answers(name)

        until(check, START, lambda: f"{name} does not answer:\n{self.tail(name)}")

    def redis_answers(self) -> bool:
        """Whether Redis takes commands."""
        with closing(redis.Redis(port=self.redis_port)) as client, suppress(redis.RedisError):
            return bool(client.ping())
        return False

    def remote(self) -> Celery:
        """Celery's remote control. No pool: a pooled connection may be to a Redis that is gone."""
        app = Celery(broker=self.redis_url, set_as_current=False)
        app.conf.broker_pool_limit = 0
        return app

    def worker_answers(self, name: str) -> bool:
        """Whether the worker's own remote control says that it is there."""
        with self.remote() as app:
            return bool(app.control.ping([f"{name}@stack"], timeout=0.5, limit=1))

    def web_answers(self) -> bool:
        """Whether the shop's front page comes."""
        with suppress(Unreachable):
            return self.browser().get("/").status == 200
        return False

    def pause(self, name: str) -> None:
        """Freeze a process and its children: they are there, and do nothing."""
        os.killpg(self.running[name].pid, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Let a frozen process go on."""
        os.killpg(self.running[name].pid, signal.SIGCONT)

    def child(self, name: str) -> int:
        """The process in which a worker does its tasks."""
        worker = f"{name}@stack"
        with self.remote() as app:
            answers = app.control.inspect([worker], timeout=START, limit=1).stats() or {}
        (child,) = answers[worker]["pool"]["processes"]
        return child

    def stop(self, name: str) -> None:
        """Ask a process to end; what is left of its group after that is killed."""
        process = self.running.pop(name)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGCONT)
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill(self, name: str) -> None:
        """End a process and its children at once, as a power cut does."""
        process = self.running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop_all(self) -> None:
        """Stop everything, Redis last."""
        names = [name for name in ("web", "searcher", "indexer", "redis") if name in self.running]
        for name in names:
            if name != "redis":
                self.running[name].terminate()  # so that all of them end at the same time
        for name in names:
            self.stop(name)

    def manage(self, *arguments: str, **environment: str) -> str:
        """Run a management command to its end; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "django", *arguments],
            cwd=ROOT,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Read the database beside the processes that write it."""
        with closing(sqlite3.connect(self.database, timeout=20)) as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def locked_database(self) -> Iterator[None]:
        """Let nobody write; who tries waits."""
        with closing(sqlite3.connect(self.database, timeout=20, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            yield
            holder.execute("ROLLBACK")

    def browser(self) -> Browser:
        """A new visitor, without cookies."""
        return Browser(f"http://127.0.0.1:{self.web_port}")

    def owner(self) -> Browser:
        """A visitor who is logged in to the admin as superuser."""
        visitor = self.browser()
        visitor.get("/admin/login/")
        fields = {"username": USERNAME, "password": PASSWORD, "next": "/admin/"}
        answer = visitor.post("/admin/login/", fields)
        assert (answer.status, answer.path) == (200, "/admin/"), answer.text
        return visitor

    def log_path(self, name: str) -> Path:
        """Where a process writes."""
        return self.folder / f"{name}.log"

    def log(self, name: str) -> str:
        """All that a process has written."""
        return self.log_path(name).read_text(encoding="utf-8", errors="replace")

    def tail(self, name: str) -> str:
        """The last lines of a process's log."""
        return "\n".join(self.log(name).splitlines()[-40:])
