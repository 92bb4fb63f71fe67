"""The shop's PostgreSQL with other isolation levels than Django's default."""

from __future__ import annotations

import psycopg
import pytest

from tests.other_shop.conftest import database_of

VISIT = """
    from tests.other_shop.tour import *
    fill()
    Tour().all()
    print("done")
"""
WRITERS = """
    import subprocess, sys
    from visualsearch.models import Embedding
    sell("0", 0)
    index()
    begin = "from tests.other_shop.script import *; django.setup(); "
    write = "[sell(f'{}-{{n}}', {} * 100 + n) for n in range(12)]"
    writers = [
        subprocess.Popen([sys.executable, "-W", "ignore", "-c", begin + write.format(n, n)])
        for n in (1, 2, 3)
    ]
    print([each.wait() for each in writers])
    rows = Embedding.objects.filter(removed=False).values_list("item", flat=True)
    print(Article.objects.count(), len(set(rows)))
"""


@pytest.mark.parametrize("level", ["REPEATABLE_READ", "SERIALIZABLE"])
def test_isolation_level__everything_works_and_nothing_is_lost(run, postgres, level):
    options = {"isolation_level": psycopg.IsolationLevel[level]}
    settings = {"DATABASES": database_of(postgres, **options)}
    assert run(VISIT, settings) == "done"
    assert run(WRITERS, settings) == "[0, 0, 0]\n57 57"
