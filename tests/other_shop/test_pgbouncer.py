"""The shop's PostgreSQL behind PgBouncer in transaction mode, without a setting for it."""

from __future__ import annotations

import pytest

from shop.tools import servers
from tests.helpers import pgbouncer
from tests.other_shop.conftest import database_of

VISIT = """
    from tests.other_shop.tour import *
    from visualsearch.admin import exports
    from visualsearch.signal_handlers import paused
    exports.CHUNK = 5
    fill()
    for n in range(12):
        search(n)
    Tour().all()
    with paused():
        for n in range(50):
            sell(f"MORE{n:02}", n)
    index()
    for name in ("check", "versions", "tune"):
        call_command(f"visualsearch_{name}", "--json", stdout=io.StringIO())
    sell("NEW", 4)
    print(exact(4))
"""
SHARED = [
    "visualsearch.indexes.faiss.FaissIndex",
    "visualsearch.indexes.pgvector.PgvectorIndex",
]


@pytest.fixture
def databases(postgres):
    """The shop's DATABASES: PostgreSQL behind PgBouncer."""
    if pgbouncer.program() is None:
        pytest.skip("PgBouncer is missing: apt-get install pgbouncer")
    user = servers.make_database(postgres.postgres, postgres.sockets)
    with pgbouncer.PgBouncer(postgres.sockets, postgres.sockets, user) as bouncer:
        place = {"NAME": "shop", "HOST": "127.0.0.1", "PORT": bouncer.port}
        yield {"default": {**database_of(postgres)["default"], **place}}


@pytest.mark.parametrize("index", SHARED)
def test_pgbouncer__every_way_in(run, databases, index):
    settings = {"DATABASES": databases, "VISUALSEARCH": {"INDEX": index}}
    assert run(VISIT, settings) == "['MORE04', 'N4', 'NEW']"
