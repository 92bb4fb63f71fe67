"""Storefront keys and the access that they give."""

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache

from tests.api.test_events import tell
from tests.api.test_search import PHOTO, URL, refused, upload
from tests.helpers.reindex import reindex
from visualsearch.models import Query, Refusal, Storefront
from visualsearch.models.storefronts import digest
from visualsearch.search.callers import pseudonym

STATUS = "/api/visual-search/status/"


@pytest.fixture
def indexed(sold):
    reindex()
    cache.clear()
    return sold


@pytest.fixture
def keyed(db):
    """A function that creates a storefront and returns its key as a request header."""

    def make(name, **values):
        storefront = Storefront(name=name, **values)
        key = storefront.new_key()
        storefront.save()
        return {"X-Api-Key": key}

    return make


@pytest.fixture
def search(client):
    def by(headers, **fields):
        from django.core.files.uploadedfile import SimpleUploadedFile

        file = SimpleUploadedFile("photo.jpg", PHOTO)
        return client.post(URL, {"image": file, **fields}, headers=headers)

    return by


def test_key__is_not_stored(keyed):
    key = keyed("blog")["X-Api-Key"]
    row = Storefront.objects.values().get()
    assert key not in str(row)
    assert row["digest"] == digest(key)
    assert len(key) > 40
    assert key.startswith(row["prefix"])


def test_key__not_needed_unless_the_shop_says_so(client, indexed, configure, keyed, search):
    headers = keyed("blog")
    assert upload(client, PHOTO).status_code == 200
    configure(REQUIRE_API_KEY=True)
    response = upload(client, PHOTO)
    refused(response, 401, "api_key_missing")
    assert response["WWW-Authenticate"] == "ApiKey"
    refused(client.get(STATUS), 401, "api_key_missing")
    assert search(headers).status_code == 200
    # Requests by the shop's own pages have no key.
    assert search({"Sec-Fetch-Site": "same-origin"}).status_code == 200
    for site in ("cross-site", "same-site", "none"):
        refused(search({"Sec-Fetch-Site": site}), 401, "api_key_missing")


def test_key__wrong_or_switched_off(client, indexed, keyed, search):
    refused(search({"X-Api-Key": "vs_guessed"}), 401, "api_key_invalid")
    headers = keyed("blog")
    assert search(headers).status_code == 200
    Storefront.objects.update(active=False)
    refused(search(headers), 401, "api_key_invalid")


def test_key__a_new_one_ends_the_old(indexed, keyed, search):
    headers = keyed("blog")
    storefront = Storefront.objects.get()
    key = storefront.new_key()
    storefront.save()
    refused(search(headers), 401, "api_key_invalid")
    assert search({"X-Api-Key": key}).status_code == 200


def test_key__cannot_be_tried_out_without_end(indexed, configure, search):
    configure(THROTTLE={"search": "2/day"})
    guess = {"X-Api-Key": "vs_guessed"}
    assert [search(guess).status_code for _ in range(4)] == [401, 401, 429, 429]


def test_key__has_a_rate_of_its_own(client, indexed, configure, keyed, search):
    configure(THROTTLE={"search": "1/day"})
    headers = keyed("blog", rate="3/day")
    assert upload(client, PHOTO).status_code == 200
    answers = [search(headers) for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert answers[0]["RateLimit-Limit"] == "3"
    assert search(keyed("app")).status_code == 200
    refused(upload(client, PHOTO), 429, "throttled")


def test_key__has_a_quota_for_the_day(indexed, keyed, search):
    headers = keyed("blog", quota=2)
    answers = [search(headers) for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert [each["RateLimit-Remaining"] for each in answers] == ["1", "0", "0"]
    assert int(answers[2]["Retry-After"]) <= 86_400


def test_key__what_is_no_photo_has_room(client, indexed, keyed, search):
    headers = keyed("blog", rate="2/day", quota=1)
    found = search(headers)
    codes = [tell(client, found, "P3", **headers).status_code for _ in range(5)]
    assert codes == [201, 200, 200, 200, 200]


def test_query__of_another_storefront_is_not_there(client, indexed, keyed, search):
    blog, app = keyed("blog"), keyed("app")
    of_blog, of_shop = search(blog).json()["query_id"], upload(client, PHOTO).json()["query_id"]

    def asked(query_id, headers):
        path = f"/api/visual-search/queries/{query_id}/"
        page = client.get(path, headers=headers).status_code
        return page, tell(client, query_id, "P3", **headers).status_code

    assert asked(of_blog, app) == asked(of_blog, {}) == asked(of_shop, app) == (404, 404)
    assert asked(of_blog, blog) == (200, 201)
    assert asked(of_shop, {}) == (200, 201)


def test_query__and_what_failed_know_their_storefront(indexed, keyed, search, client):
    headers = keyed("blog")
    search(headers)
    upload(client, PHOTO)
    client.post(URL, {"image": ""}, headers=headers)
    assert sorted(Query.objects.values_list("storefront__name", flat=True), key=str) == [
        None,
        "blog",
    ]
    assert Refusal.objects.get().storefront.name == "blog"


def test_quota__the_tighter_of_two_limits_is_told(indexed, keyed, search):
    for name, values, limit in (
        ("a", {"rate": "5/day", "quota": 100}, "5"),
        ("b", {"rate": "100/day", "quota": 5}, "5"),
    ):
        response = search(keyed(name, **values))
        assert (response["RateLimit-Limit"], response["RateLimit-Remaining"]) == (limit, "4")


def test_visitor__counts_for_who_is_logged_in_too(client, indexed):
    client.force_login(User.objects.create_user("ann"))
    upload(client, PHOTO, visitor="basket 17")
    assert Query.objects.get().visitor == pseudonym("visitor", "basket 17")
