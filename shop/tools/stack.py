"""Run the services of docker-compose.yml as local processes, with all files in one folder."""

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
from .ports import free_port

# In starting order.
SERVERS = ("db", "redis")
APP = ("web", "search", "index")
# The health check of the web server, as in docker-compose.yml.
HEALTH = "/health/live/"
# Programs by their name in the compose file, run by this Python, not looked up in PATH.
PROGRAMS = {
    "python": [sys.executable],
    "celery": [sys.executable, "-m", "celery"],
    "gunicorn": [sys.executable, "-m", "gunicorn"],
}
# PostgreSQL ends its sessions on SIGINT; on SIGTERM it waits for clients to disconnect.
STOP_SIGNALS = {"db": signal.SIGINT}

# Seconds; generous, so that a loaded machine does not cause failures.
START = 60
STOP = 10


class StackError(AssertionError):
    """A process ended, failed or did not respond in time; the text includes the end of its log."""


def until(check: Callable[[], object], seconds: float, what: Callable[[], str] | str) -> float:
    """Poll ``check`` until it is true, and return the seconds waited.

    Raises StackError after ``seconds``; ``what``: its text, or a function that returns it.
    """
    start = time.monotonic()
    while not check():
        if time.monotonic() - start > seconds:
            reason = what if isinstance(what, str) else what()
            raise StackError(f"timed out after {seconds} s: {reason}")
        time.sleep(0.05)
    return time.monotonic() - start


class Stack:
    """The stack's processes, named after their services: db, redis, migrate, web, search, index.

    ``folder``: all their files. ``environment`` overrides the compose file for the app's processes.
    ``web_port``: port of the shop; None: a free one. If this process is killed, a watchdog ends the
    others.
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
            # Plain HTTP; no throttling, because all clients share one address.
            "HTTPS": "false",
            "VISUALSEARCH_THROTTLE": "off",
            **environment,
        }
        # Variables that the compose file sets for one service only.
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
        """Return the folder of the database's files.

        PostgreSQL's user gets access to every folder above it.
        """
        return self.folder / "db"

    def command(self, name: str, compose: Compose) -> list[str]:
        """Return a service's command from the compose file, with local programs and ports."""
        program, *arguments = compose.command(name)
        if name == "db":
            place = ["-D", str(self.database_folder()), "-k", str(self.sockets)]
            return [str(self.postgres.bin_path / program), *arguments, *place, "-h", ""]
        if name == "redis":
            place = ["--bind", "127.0.0.1", "--port", str(self.redis_port)]
            return [servers.redis_program(), *arguments, *place, "--dir", str(self.folder)]
        return [*PROGRAMS[program], *arguments]

    def start(self, name: str) -> None:
        """Start a service in its own process group; do not wait until it responds."""
        user = {}
        if name == "db":
            self.sockets.mkdir(mode=0o700, exist_ok=True)  # stop_all() removes the folder
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
        """Report a process group to the watchdog: started (``+pid``) or ended (``-pid``)."""
        if self.watchdog is None:
            self.watchdog = subprocess.Popen(
                [sys.executable, "-m", "shop.tools.watchdog", str(self.sockets)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                text=True,
                bufsize=1,
                start_new_session=True,
            )
        assert self.watchdog.stdin is not None
        self.watchdog.stdin.write(f"{line}\n")

    def ready(self, name: str) -> None:
        """Wait until a service responds, or until ``migrate`` has finished.

        Raises StackError if it ends, fails or takes too long.
        """
        if name == "migrate":
            until(lambda: self.running[name].poll() is not None, START, "migrate is still running")
            if self.running.pop(name).returncode:
                raise StackError(f"migrate failed:\n{self.tail(name)}")
            return

        def check() -> bool:
            if self.running[name].poll() is not None:
                raise StackError(f"{name} ended:\n{self.tail(name)}")
            return self.answers(name)

        until(check, START, lambda: f"{name} does not respond:\n{self.tail(name)}")

    def answers(self, name: str) -> bool:
        answers = {"db": self.db_answers, "redis": self.redis_answers, "web": self.web_answers}
        return answers[name]() if name in answers else self.worker_answers(name)

    def db_answers(self) -> bool:
        """Return whether PostgreSQL accepts connections."""
        program = str(self.postgres.bin_path / "pg_isready")
        command = [program, "-q", "-h", str(self.sockets), "-U", "postgres"]
        return subprocess.run(command).returncode == 0

    def redis_answers(self) -> bool:
        """Return whether Redis answers a ping."""
        with closing(redis.Redis(port=self.redis_port)) as client, suppress(redis.RedisError):
            return bool(client.ping())
        return False

    def web_answers(self) -> bool:
        """Return whether the web server answers its health check with a status below 500."""
        opener = build_opener(ProxyHandler({}))  # local requests must not use a proxy
        try:
            with opener.open(f"http://127.0.0.1:{self.web_port}{HEALTH}", timeout=5):
                return True
        except HTTPError as error:
            return error.code < 500
        except (URLError, OSError):
            return False

    def remote(self) -> Celery:
        """Return a Celery app for remote control, without a connection pool.

        Redis may have been restarted since the last call.
        """
        app = Celery(broker=self.redis_url, set_as_current=False)
        app.conf.broker_pool_limit = 0
        return app

    def worker_answers(self, name: str) -> bool:
        """Return whether a worker answers Celery's ping."""
        with self.remote() as app:
            return bool(app.control.ping([self.worker(name)], timeout=0.5, limit=1))

    def worker(self, name: str) -> str:
        """Return a worker's Celery node name."""
        return f"{name}@{socket.gethostname()}"

    def stop(self, name: str) -> None:
        """Stop a service; kill what is left of its processes after :data:`STOP` seconds."""
        process = self.running[name]
        self.ask_to_stop(name)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP)
        self.kill(name)

    def ask_to_stop(self, name: str) -> None:
        """Send a service its stop signal, and resume it if it is paused."""
        process = self.running[name]
        if process.poll() is None:
            process.send_signal(STOP_SIGNALS.get(name, signal.SIGTERM))
            self.signal(name, signal.SIGCONT)

    def kill(self, name: str) -> None:
        """Kill a service and its children at once, as a power cut would."""
        process = self.running[name]
        self.signal(name, signal.SIGKILL)
        process.wait()
        del self.running[name]
        self.tell_watchdog(f"-{process.pid}")

    def pause(self, name: str) -> None:
        """Freeze a service and its children (SIGSTOP), as if they hung."""
        self.signal(name, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Resume a paused service (SIGCONT)."""
        self.signal(name, signal.SIGCONT)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a service and its children."""
        group, children = self.running[name].pid, []
        with suppress(psutil.NoSuchProcess):
            # Each PostgreSQL process has its own group.
            children = psutil.Process(group).children(recursive=True)
        with suppress(ProcessLookupError):
            os.killpg(group, number)
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.send_signal(number)

    def start_all(self) -> None:
        """Start all services in the order of the compose file, and wait until they respond."""
        self.start_servers()
        # As the Dockerfile does.
        self.manage("collectstatic", "--noinput", "--verbosity=0")
        for name in APP:
            self.start(name)
        for name in APP:
            self.ready(name)

    def start_servers(self) -> None:
        """Start PostgreSQL and Redis, then migrate the database."""
        for name in SERVERS:
            self.start(name)
        for name in SERVERS:
            self.ready(name)
        self.start("migrate")
        self.ready("migrate")

    def stop_all(self) -> None:
        """Stop the app's processes in parallel, then the servers and the watchdog."""
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
        """Run a management command with extra environment variables; return its output.

        Raises StackError if it fails.
        """
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
        """Return the path of a service's log."""
        return self.folder / "logs" / f"{name}.log"

    def log(self, name: str) -> str:
        """Return a service's whole log."""
        return self.log_path(name).read_text(encoding="utf-8", errors="replace")

    def tail(self, name: str) -> str:
        """Return the last 40 lines of a service's log."""
        return "\n".join(self.log(name).splitlines()[-40:])


def secret_key(folder: Path) -> str:
    """Return this stack's secret key; it is stored, so that sessions survive a restart."""
    path = folder / "secret_key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(64), encoding="ascii")
    return path.read_text(encoding="ascii")
