"""The services of docker-compose.yml as processes of this machine; all files in one folder."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

import psutil
import redis
from celery import Celery

from . import servers
from .compose import ROOT, Compose

# In the order of starting.
SERVERS = ("db", "redis")
APP = ("web", "search", "index")
# As docker-compose.yml asks for the health of the web server.
HEALTH = "/health/live/"
# Programs by their names in the compose file; `celery` of this Python, not of the PATH.
PROGRAMS = {
    "python": [sys.executable],
    "celery": [sys.executable, "-m", "celery"],
    "gunicorn": [sys.executable, "-m", "gunicorn"],
}
# PostgreSQL ends its sessions at this one; at a SIGTERM it waits for them to go.
STOP_SIGNALS = {"db": signal.SIGINT}

# Seconds. Generous: a loaded machine must not fail where speed is not the point.
START = 60
STOP = 10


class StackError(AssertionError):
    """A process ended, failed or did not answer in time; the message has what it wrote last."""


def until(check: Callable[[], object], seconds: float, what: Callable[[], str] | str) -> float:
    """Ask again until the answer is true; returns the seconds that it took."""
    start = time.monotonic()
    while not check():
        if time.monotonic() - start > seconds:
            reason = what if isinstance(what, str) else what()
            raise StackError(f"not within {seconds} s: {reason}")
        time.sleep(0.05)
    return time.monotonic() - start


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Stack:
    """Processes by the names of their services: db, redis, migrate, web, search, index.

    ``environment`` goes before what the compose file says for the app's processes. What is left
    running when this process is killed is ended by a watchdog.
    """

    def __init__(
        self, folder: Path, *, environment: Mapping[str, str] = {}, web_port: int | None = None
    ):
        self.folder = folder = folder.resolve()
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        self.redis_port, self.web_port = free_port(), web_port or free_port()
        self.redis_url = f"redis://127.0.0.1:{self.redis_port}/0"
        # A socket's path may have at most 107 characters; the folder's can be longer.
        self.sockets = Path(tempfile.mkdtemp(prefix="visualsearch-"))
        self.database_url = f"postgres://postgres:@/postgres?host={self.sockets}"
        self.postgres = servers.postgres(self.database_folder())
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.watchdog: subprocess.Popen[str] | None = None
        compose = Compose({"SECRET_KEY": secret_key(folder), "POSTGRES_PASSWORD": "not asked for"})
        self.commands = {name: self.command(name, compose) for name in (*SERVERS, "migrate", *APP)}
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            **compose.environment("migrate"),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "shop.settings",
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "MEDIA_ROOT": str(folder / "media"),
            "STATIC_ROOT": str(folder / "static"),
            "VISUALSEARCH_DATA_DIR": str(folder / "index"),
            # Plain HTTP on this machine, where all clients have one address.
            "HTTPS": "false",
            "VISUALSEARCH_THROTTLE": "off",
            **environment,
        }
        # What the compose file says of one service alone.
        shared = compose.environment("migrate").keys()
        self.own_environment = {
            name: {k: v for k, v in compose.environment(name).items() if k not in shared}
            for name in APP
        }
        self.metrics_ports: dict[str, int] = {}
        self.own_environment["web"] |= {"HOST": "127.0.0.1", "PORT": str(self.web_port)}
        for name in ("search", "index"):
            self.metrics_ports[name] = free_port()
            self.own_environment[name] |= {
                "HEARTBEAT_FILE": str(folder / f"{name}.alive"),
                "METRICS_HOST": "127.0.0.1",
                "METRICS_PORT": str(self.metrics_ports[name]),
            }

    def database_folder(self) -> Path:
        """Where the database's files are: every folder above it is opened to PostgreSQL's user."""
        return self.folder / "db"

    def command(self, name: str, compose: Compose) -> list[str]:
        """What the compose file says, with this machine's programs and places."""
        program, *arguments = compose.command(name)
        if name == "db":
            place = ["-D", str(self.database_folder()), "-k", str(self.sockets)]
            return [str(self.postgres.bin_path / program), *arguments, *place, "-h", ""]
        if name == "redis":
            place = ["--bind", "127.0.0.1", "--port", str(self.redis_port)]
            return [servers.redis_program(), *arguments, *place, "--dir", str(self.folder)]
        return [*PROGRAMS[program], *arguments]

    def start(self, name: str) -> None:
        """Start a process in a group of its own; :meth:`ready` waits for it."""
        user = {}
        if name == "db":
            self.sockets.mkdir(mode=0o700, exist_ok=True)  # stop_all() removes it
            user = servers.make_database(self.postgres, self.sockets)
        with self.log_path(name).open("ab") as log:
            self.running[name] = subprocess.Popen(
                self.commands[name],
                cwd=ROOT,
                env={**self.own_environment.get(name, {}), **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **user,
            )
        self.tell_watchdog(f"+{self.running[name].pid}")

    def tell_watchdog(self, line: str) -> None:
        """Say which process group has started or ended."""
        if self.watchdog is None:
            self.watchdog = subprocess.Popen(
                [sys.executable, "-m", "shop.stack.watchdog", str(self.sockets)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                text=True,
                bufsize=1,
                start_new_session=True,
            )
        assert self.watchdog.stdin is not None
        self.watchdog.stdin.write(f"{line}\n")

    def ready(self, name: str) -> None:
        """Wait until a process answers; for ``migrate``, until it is done."""
        if name == "migrate":
            until(lambda: self.running[name].poll() is not None, START, "migrate does not end")
            if self.running.pop(name).returncode:
                raise StackError(f"migrate failed:\n{self.tail(name)}")
            return

        def check() -> bool:
            if self.running[name].poll() is not None:
                raise StackError(f"{name} ended:\n{self.tail(name)}")
            return self.answers(name)

        until(check, START, lambda: f"{name} does not answer:\n{self.tail(name)}")

    def answers(self, name: str) -> bool:
        """Whether a service is there and takes work."""
        answers = {"db": self.db_answers, "redis": self.redis_answers, "web": self.web_answers}
        return answers[name]() if name in answers else self.worker_answers(name)

    def db_answers(self) -> bool:
        """Whether PostgreSQL lets a client in."""
        program = str(self.postgres.bin_path / "pg_isready")
        command = [program, "-q", "-h", str(self.sockets), "-U", "postgres"]
        return subprocess.run(command).returncode == 0

    def redis_answers(self) -> bool:
        """Whether Redis takes commands."""
        with closing(redis.Redis(port=self.redis_port)) as client, suppress(redis.RedisError):
            return bool(client.ping())
        return False

    def web_answers(self) -> bool:
        """Whether the web server gives its sign of life."""
        opener = build_opener(ProxyHandler({}))  # no proxy: all of this is on one machine
        try:
            with opener.open(f"http://127.0.0.1:{self.web_port}{HEALTH}", timeout=5):
                return True
        except HTTPError as error:
            return error.code < 500
        except (URLError, OSError):
            return False

    def remote(self) -> Celery:
        """Celery's remote control. No pool: a pooled connection may be to a Redis that is gone."""
        app = Celery(broker=self.redis_url, set_as_current=False)
        app.conf.broker_pool_limit = 0
        return app

    def worker_answers(self, name: str) -> bool:
        """Whether the worker's own remote control says that it is there."""
        with self.remote() as app:
            return bool(app.control.ping([self.worker(name)], timeout=0.5, limit=1))

    def worker(self, name: str) -> str:
        """What a worker calls itself."""
        return f"{name}@{socket.gethostname()}"

    def stop(self, name: str) -> None:
        """Ask a process to end; what is left of its group after :data:`STOP` s is killed."""
        process = self.running[name]
        self.ask_to_stop(name)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP)
        self.kill(name)

    def ask_to_stop(self, name: str) -> None:
        """Send the signal at which a service ends."""
        process = self.running[name]
        if process.poll() is None:
            process.send_signal(STOP_SIGNALS.get(name, signal.SIGTERM))
            self.signal(name, signal.SIGCONT)

    def kill(self, name: str) -> None:
        """End a process and its children at once, as a power cut does."""
        process = self.running[name]
        self.signal(name, signal.SIGKILL)
        process.wait()
        del self.running[name]
        self.tell_watchdog(f"-{process.pid}")

    def pause(self, name: str) -> None:
        """Freeze a process and its children: they are there, and do nothing."""
        self.signal(name, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Let a frozen process go on."""
        self.signal(name, signal.SIGCONT)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process and its children."""
        group, children = self.running[name].pid, []
        with suppress(psutil.NoSuchProcess):
            # Each process of PostgreSQL is a group of its own.
            children = psutil.Process(group).children(recursive=True)
        with suppress(ProcessLookupError):
            os.killpg(group, number)
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.send_signal(number)

    def start_all(self) -> None:
        """Start every service and wait for it, in the order that the compose file asks for."""
        self.start_servers()
        # As the Dockerfile does.
        self.manage("collectstatic", "--noinput", "--verbosity=0")
        for name in APP:
            self.start(name)
        for name in APP:
            self.ready(name)

    def start_servers(self) -> None:
        """Start database and Redis, and bring the tables up to date."""
        for name in SERVERS:
            self.start(name)
        for name in SERVERS:
            self.ready(name)
        self.start("migrate")
        self.ready("migrate")

    def stop_all(self) -> None:
        """Stop everything: the app first, its processes at the same time, then the servers."""
        app = [name for name in self.running if name not in SERVERS]
        for name in app:
            self.ask_to_stop(name)
        for name in [*app, *(name for name in SERVERS if name in self.running)]:
            self.stop(name)
        if self.watchdog is not None:
            assert self.watchdog.stdin is not None
            self.watchdog.stdin.close()
            self.watchdog.wait()
            self.watchdog = None
        shutil.rmtree(self.sockets, ignore_errors=True)

    def manage(self, *arguments: str, **environment: str) -> str:
        """Run a management command to its end; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "django", *arguments],
            cwd=ROOT,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=10 * START,
        )
        if done.returncode:
            raise StackError(f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def log_path(self, name: str) -> Path:
        """Where a process writes."""
        return self.folder / "logs" / f"{name}.log"

    def log(self, name: str) -> str:
        """All that a process has written."""
        return self.log_path(name).read_text(encoding="utf-8", errors="replace")

    def tail(self, name: str) -> str:
        """The last lines of a process's log."""
        return "\n".join(self.log(name).splitlines()[-40:])


def secret_key(folder: Path) -> str:
    """A key of this stack's own, so that sessions survive its restart."""
    path = folder / "secret_key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(64), encoding="ascii")
    return path.read_text(encoding="ascii")
