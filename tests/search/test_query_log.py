"""Queries are stored after their answers, together, and are found before that."""

import os
import subprocess
import sys
import threading
import time
from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex
from visualsearch import events
from visualsearch.exceptions import BackendUnavailable, QueryNotFound
from visualsearch.models import Query, Storefront
from visualsearch.photos.decode import open_photo
from visualsearch.search import by_photo, later_pages, query_log
from visualsearch.search.callers import Caller
from visualsearch.search.requests import PageRequest, SearchRequest

LONG = 3600


@pytest.fixture
def waiting(transactional_db, sold, configure):
    """Index the products; searches are stored an hour later."""
    reindex()
    configure(WRITE_DELAY=LONG)
    query_log.start_anew()
    yield
    forget()


def forget():
    """Forget what waits, as in a process that did not search."""
    # Otherwise the thread would write into the database of another test.
    query_log._log.end()
    query_log.start_anew()


def search(**options):
    photo = open_photo(encoded(picture(3)))
    return by_photo.search(photo, SearchRequest(limit=3, **options)).query_id


def test_store__is_later(waiting):
    found = search()
    assert not Query.objects.exists()
    query_log.flush()
    query = Query.objects.get()
    assert str(query.pk) == found
    assert query.shown["P3"] == 1
    assert query.matched


def test_store__without_delay_is_now(waiting, configure):
    configure(WRITE_DELAY=0)
    assert Query.objects.filter(pk=search()).exists()


@pytest.mark.django_db
def test_store__in_a_transaction_is_now(sold, configure):
    reindex()
    configure(WRITE_DELAY=LONG)
    assert Query.objects.filter(pk=search()).exists()


def test_store__the_thread_stores_and_ends(waiting, configure, monkeypatch):
    monkeypatch.setattr(query_log, "IDLE", 0.05)
    configure(WRITE_DELAY=0.01)
    found = search()
    thread = query_log._log.thread
    thread.join(60)
    assert not thread.is_alive()
    assert query_log._log.thread is None
    assert Query.objects.filter(pk=found).exists()
    again = search()
    query_log._log.thread.join(60)
    assert Query.objects.filter(pk=again).exists()


def test_flush__many_with_one_statement(waiting):
    found = {search() for _ in range(7)}
    with CaptureQueriesContext(connection) as said:
        query_log.flush()
    assert sum(each["sql"].startswith("INSERT") for each in said) == 1
    assert {str(pk) for pk in Query.objects.values_list("pk", flat=True)} == found
    assert not query_log._log.waiting


def test_flush__a_full_disk_loses_nothing(waiting):
    if connection.vendor != "sqlite":
        pytest.skip("fills a file of SQLite")
    found = {search() for _ in range(30)}
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")
        before = cursor.execute("PRAGMA max_page_count").fetchone()[0]
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {pages}")
        try:
            with pytest.raises(OperationalError):
                query_log._log.flush()
        finally:
            cursor.execute(f"PRAGMA max_page_count = {before}")
    assert not Query.objects.exists()
    query_log.flush()
    assert {str(pk) for pk in Query.objects.values_list("pk", flat=True)} == found


def test_flush__a_row_that_cannot_be_stored_keeps_no_other(waiting):
    gone = Storefront.objects.create(name="Gone")
    lost, kept = search(caller=Caller(storefront=gone.pk)), search()
    gone.delete()
    query_log.flush()
    assert [str(pk) for pk in Query.objects.values_list("pk", flat=True)] == [kept]
    assert lost not in query_log._log.waiting


def test_put__stores_at_once_when_too_many_wait(waiting, monkeypatch):
    monkeypatch.setattr(query_log, "MOST_WAITING", 2)
    found = [search() for _ in range(3)]
    assert [str(pk) for pk in Query.objects.values_list("pk", flat=True)] == found[2:]


def test_end__the_thread_stores_nothing_more(waiting):
    search()
    thread = query_log._log.thread
    query_log._log.end()
    assert not thread.is_alive()
    assert len(query_log._log.waiting) == 1
    assert not Query.objects.exists()


def test_find__a_page_of_a_search_that_waits(waiting):
    page = later_pages.later_page(PageRequest(query_id=search(), limit=3, offset=3))
    assert len(page.hits) == 3
    assert len(Query.objects.get().shown) == 6


def test_find__an_event_of_a_search_that_waits(waiting):
    event, new = events.record(search(), "click", "P3")
    assert (event.rank, new) == (1, True)


def test_find__of_another_storefront_stays_unknown(waiting):
    found = search()
    with pytest.raises(QueryNotFound):
        events.record(found, "click", "P3", storefront=1)


def test_find__waits_for_another_process(waiting, configure):
    found = search()
    (query,) = query_log._log.waiting.values()
    forget()
    configure(WRITE_DELAY=20)
    writer = threading.Thread(target=lambda: (time.sleep(0.3), query.save(force_insert=True)))
    writer.start()
    event, _ = events.record(found, "click", "P3")
    writer.join()
    assert event.rank == 1


def test_find__stored_between_the_two_looks(waiting, configure, redis_server):
    """A worker stores the query and deletes its copy just after a web process has looked for it."""
    found = search()
    (query,) = query_log._log.waiting.values()
    forget()
    configure(USE_CELERY=True, REDIS_URL=redis_server.url)

    def store_after(execute, sql, *rest):
        done = execute(sql, *rest)
        if sql.startswith("SELECT") and "visualsearch_query" in sql and query._state.adding:
            query.save(force_insert=True)
        return done

    with connection.execute_wrapper(store_after):
        event, _ = events.record(found, "click", "P3")
    assert event.rank == 1


def test_find__while_redis_is_away(waiting, configure):
    """The query may wait there, so nobody says that there is none."""
    configure(USE_CELERY=True, REDIS_URL="redis://127.0.0.1:1/0")
    with pytest.raises(BackendUnavailable):
        events.record(str(uuid4()), "click", "P3")


def test_find__an_unknown_query(waiting, configure):
    configure(WRITE_DELAY=0.01)
    with pytest.raises(QueryNotFound):
        events.record(str(uuid4()), "click", "P3")


def test_fork__the_child_stores_nothing_of_its_parent(waiting):
    search()
    child = os.fork()
    if child == 0:
        os._exit(len(query_log._log.waiting))
    assert os.waitpid(child, 0)[1] == 0
    assert len(query_log._log.waiting) == 1


ENDS = """
import django
django.setup()
from django.conf import settings
settings.VISUALSEARCH = settings.VISUALSEARCH | {"WRITE_DELAY": 3600, "FIT": False}
from django.core.management import call_command
call_command("migrate", verbosity=0)
from visualsearch.models import Query
from visualsearch.search import query_log
query_log.store(Query(encoder="none", vector=b""))
print(Query.objects.count())
"""


def test_process_end__stores_what_waits(tmp_path):
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
    }
    count = "import django; django.setup(); from visualsearch.models import Query as Q;"
    count += " print(Q.objects.count())"
    printed = [
        subprocess.run(
            [sys.executable, "-c", code], env=environment, check=True, capture_output=True
        ).stdout
        for code in (ENDS, count)
    ]
    assert [each.strip() for each in printed] == [b"0", b"1"]
