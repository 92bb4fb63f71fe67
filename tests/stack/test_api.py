"""API endpoints around searches that run in workers."""

from __future__ import annotations

import base64
from contextlib import closing

import pytest

from tests.stack.stack import START, until
from tests.stack.test_worker import no_traceback as no_traceback
from tests.stack.test_worker import photo

API = "/api/visual-search/"


@pytest.fixture
def older(stack):
    """An experiment that gives every visitor the version before the active one."""
    stack.manage("visualsearch_index", "--all")
    ids = [pk for (pk,) in stack.rows("SELECT id FROM visualsearch_indexversion ORDER BY id")]
    with closing(stack.connect()) as connection:
        connection.execute(
            "INSERT INTO visualsearch_experiment"
            " (name, version_id, salt, share, first_share, ramp_hours, ramp_started, started,"
            " running, catalog)"
            " VALUES ('older', %s, 'salt', 1.0, 0.01, 0.0, now(), now(), true, '')",
            (ids[0],),
        )
        connection.commit()
    yield ids[0]
    with closing(stack.connect()) as connection:
        connection.execute("UPDATE visualsearch_experiment SET running = NULL, stopped = now()")
        connection.commit()


def versions_of(stack, query_id):
    query = "SELECT index_version, variant FROM visualsearch_query WHERE id = %s"
    return stack.rows(query, query_id)[0]


def test_batch_and_events(stack):
    photos = [base64.b64encode(photo(n)).decode() for n in (4, 9)]
    answer = stack.browser().post_json(f"{API}batch/", {"images": photos, "limit": 2})
    assert answer.status == 200, answer.text
    results = [each["result"] for each in answer.json["results"]]
    assert [each["results"][0]["product"]["key"] for each in results] == ["P4", "P9"]
    event = {"query_id": results[1]["query_id"], "event": "click", "product": "P9"}
    told = stack.browser().post_json(f"{API}events/", event)
    assert (told.status, told.json["rank"]) == (201, 1)


def test_status(stack):
    answer = stack.browser().get(f"{API}status/")
    assert answer.json["ready"] is True
    assert answer.json["products"] == 16


def test_experiment__within_a_second_and_over_within_a_second(stack, older):
    def version():
        return versions_of(stack, stack.browser().search(photo(3)).json["query_id"])

    until(lambda: version() == (older, "treatment"), START, "nobody was treated")
    with closing(stack.connect()) as connection:
        connection.execute("UPDATE visualsearch_experiment SET running = NULL, stopped = now()")
        connection.commit()
    until(lambda: version()[1] == "", START, "the experiment did not stop")


def test_query_of_a_treated_visitor__goes_on_there(stack, older):
    def search():
        return stack.browser().search(photo(3), limit=1).json["query_id"]

    until(lambda: versions_of(stack, search())[1], START, "nobody was treated")
    page = stack.browser().get(f"{API}queries/{search()}/?offset=1")
    assert page.json["index_version"] == older
