import json
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from tests.api.test_search import PHOTO, upload
from tests.helpers.reindex import reindex
from visualsearch import events
from visualsearch.models import Event, KeptPhoto, Query, Storefront
from visualsearch.search.callers import pseudonym


@pytest.fixture
def traces(client, sold, configure):
    """A search, click and photo each of a logged-in user, of visitor Ann, and of no visitor."""
    configure(KEEP_PHOTOS=60)
    reindex()
    user = User.objects.create_user("customer")
    for login, visitor in ((None, "ann"), (None, ""), (user, "")):
        if login:
            client.force_login(login)
        found = upload(client, PHOTO, keep_photo="1", visitor=visitor).json()
        events.record(found["query_id"], "click", "P3")
    return user


def forget(capsys, *options):
    call_command("visualsearch_forget", *options, "--json")
    return json.loads(capsys.readouterr().out)


def left():
    return Query.objects.count(), Event.objects.count(), KeptPhoto.objects.count()


def test_forget__a_visitor(traces, capsys):
    assert left() == (3, 3, 3)
    assert forget(capsys, "--visitor", "ann") == {"queries": 1}
    assert left() == (2, 2, 2)
    assert not Query.objects.filter(visitor=pseudonym("visitor", "ann")).exists()
    assert forget(capsys, "--visitor", "ann") == {"queries": 0}


def test_forget__a_user(traces, capsys):
    assert forget(capsys, "--user", str(traces.pk)) == {"queries": 1}
    assert left() == (2, 2, 2)


def test_forget__who_closes_the_account(traces):
    traces.delete()
    assert left() == (2, 2, 2)


def test_forget__searches_by_their_id(traces, capsys):
    first, second, _ = Query.objects.values_list("pk", flat=True)
    ids = [str(first), str(second), str(uuid4())]
    assert forget(capsys, "--query", *ids) == {"queries": 2}
    assert left() == (1, 1, 1)


def test_forget__everything(traces, capsys):
    assert forget(capsys, "--everything") == {"queries": 3}
    assert left() == (0, 0, 0)


@pytest.mark.parametrize("options", [["--everything"], ["--query"]])
def test_forget__a_photo_whose_search_failed(traces, capsys, options):
    kept = KeptPhoto.objects.first()
    Query.objects.filter(pk=kept.pk).delete()
    assert left() == (2, 2, 3)
    ids = [str(kept.pk)] if options == ["--query"] else []
    forget(capsys, *options, *ids)
    assert not KeptPhoto.objects.filter(pk=kept.pk).exists()


def test_forget__what_has_had_its_time(traces, capsys):
    stays = Query.objects.first().pk
    for kind in (Query, KeptPhoto):
        kind.objects.exclude(pk=stays).update(expires="2020-01-01T00:00:00Z")
    assert forget(capsys, "--expired") == {"expired": 2}
    assert left() == (3, 3, 1)
    assert KeptPhoto.objects.get().pk == stays
    for row in Query.objects.all():
        assert bool(row.vector) == (row.pk == stays)


def test_forget__of_a_storefront(traces, capsys):
    storefront = Storefront(name="blog")
    storefront.new_key()
    storefront.save()
    Query.objects.filter(visitor="").update(visitor=pseudonym("visitor", "ann", storefront.pk))
    assert forget(capsys, "--visitor", "ann", "--storefront", "blog") == {"queries": 1}
    assert Query.objects.filter(visitor=pseudonym("visitor", "ann")).count() == 1


@pytest.mark.parametrize(
    "options",
    [["--query", "no uuid"], ["--visitor", "x", "--storefront", "unknown"], []],
)
def test_forget__what_cannot_be(db, options):
    with pytest.raises(CommandError):
        call_command("visualsearch_forget", *options)
