"""A PgBouncer in transaction mode for one test."""

from __future__ import annotations

import shutil
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import psycopg

from shop.tools.ports import free_port
from shop.tools.stack import until

START = 20
SESSIONS = 4
CONFIG = """
[databases]
shop = host={sockets} dbname=postgres user=postgres

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
logfile = {folder}/pgbouncer.log
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
# Each transaction gets another session, as on a busy server.
server_round_robin = 1
"""


def program() -> str | None:
    """Return the path of PgBouncer, None if it is not installed."""
    return shutil.which("pgbouncer", path="/usr/local/bin:/usr/bin:/usr/local/sbin:/usr/sbin")


class PgBouncer:
    """A context manager that runs PgBouncer on 127.0.0.1.

    ``sockets``: folder of PostgreSQL's Unix socket. ``folder``: for its files. ``user``: options of
    Popen for the user that runs it.
    """

    def __init__(self, sockets: Path, folder: Path, user: dict[str, Any]):
        self.sockets, self.folder, self.user = sockets, folder, user
        self.port = free_port()

    def __enter__(self) -> Self:
        config = self.folder / "pgbouncer.ini"
        config.write_text(
            CONFIG.format(
                sockets=self.sockets, port=self.port, folder=self.folder, sessions=SESSIONS
            )
        )
        self.process = subprocess.Popen([str(program()), "-q", str(config)], **self.user)
        until(self.answers, START, "PgBouncer does not answer")
        self.open_sessions()
        return self

    def __exit__(self, *exception: object) -> None:
        self.process.terminate()
        self.process.wait(START)

    def answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def open_sessions(self) -> None:
        """Open all sessions of the pool, by as many transactions at the same time."""
        clients = [
            psycopg.connect(host="127.0.0.1", port=self.port, dbname="shop", user="postgres")
            for _ in range(SESSIONS)
        ]
        found = {each.execute("SELECT pg_backend_pid()").fetchone() for each in clients}
        for each in clients:
            each.rollback()  # PgBouncer closes a session that is left inside a transaction
            each.close()
        assert len(found) == SESSIONS
