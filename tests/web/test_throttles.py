from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.api.test_search import PHOTO, URL, refused, upload
from tests.helpers.reindex import reindex
from visualsearch.web import throttles

READ = "/api/visual-search/products/P3/similar/"


@pytest.fixture
def clock(monkeypatch):
    """A frozen clock at the start of a minute, so that slow tests do not reach the next."""
    now = SimpleNamespace(time=1_000_000_020.0)
    monkeypatch.setattr(throttles.time, "time", lambda: now.time)
    return now


@pytest.fixture
def limited(sold, configure, clock):
    """Limits of two searches and three other requests per minute."""
    reindex()
    cache.clear()
    configure(THROTTLE={"search": "2/min", "read": "3/min"})
    return clock


def told(response):
    names = ("Limit", "Remaining", "Reset")
    return tuple(int(response[f"RateLimit-{name}"]) for name in names)


def test_throttle__one_search_too_many(client, limited):
    assert told(upload(client, PHOTO)) == (2, 1, 60)
    limited.time += 20
    assert told(upload(client, PHOTO)) == (2, 0, 40)
    response = upload(client, PHOTO)
    error = refused(response, 429, "throttled")
    assert "40 seconds" in error["detail"]
    assert response["Retry-After"] == "40"
    assert told(response) == (2, 0, 40)


def test_throttle__over_with_the_minute(client, limited):
    for _ in range(5):
        response = upload(client, PHOTO)
    assert response.status_code == 429
    limited.time += int(response["Retry-After"])
    assert upload(client, PHOTO).status_code == 200


def test_throttle__is_said_before_the_photo_is_read(client, limited):
    for _ in range(3):
        response = upload(client, b"no photo")
    refused(response, 429, "throttled")


def test_throttle__searches_and_other_requests_apart(client, limited):
    for _ in range(3):
        upload(client, PHOTO)
    assert [client.get(READ).status_code for _ in range(4)] == [200, 200, 200, 429]


def test_throttle__classify_is_a_search(client, limited):
    for _ in range(2):
        file = SimpleUploadedFile("a.jpg", PHOTO)
        client.post("/api/visual-search/classify/", {"image": file})
    refused(upload(client, PHOTO), 429, "throttled")


def test_throttle__each_client_by_itself(client, limited):
    for _ in range(3):
        upload(client, PHOTO)
    client.defaults["REMOTE_ADDR"] = "10.0.0.9"
    assert upload(client, PHOTO).status_code == 200


def test_throttle__a_made_up_address_helps_nobody(client, limited):
    codes = []
    for n in range(4):
        client.defaults["HTTP_X_FORWARDED_FOR"] = f"10.0.0.{n}"
        codes.append(upload(client, PHOTO).status_code)
    assert codes == [200, 200, 429, 429]


def test_throttle__behind_a_proxy(client, limited, settings):
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    codes = []
    for n in range(4):  # X-Forwarded-For: a forged address, then the proxy's entry
        client.defaults["HTTP_X_FORWARDED_FOR"] = f"1.1.1.{n}, 10.0.0.{n // 3}"
        codes.append(upload(client, PHOTO).status_code)
    assert codes == [200, 200, 429, 200]


def test_throttle__an_ipv6_network_is_one_client(client, limited):
    codes = []
    for address in ("2001:db8::1", "2001:db8::2:3", "2001:db8::ffff", "2001:db8:0:1::1"):
        client.defaults["REMOTE_ADDR"] = address
        codes.append(upload(client, PHOTO).status_code)
    assert codes == [200, 200, 429, 200]


def test_throttle__who_is_logged_in_counts_wherever_they_are(client, limited):
    client.force_login(User.objects.create_user("ann"))
    for n in range(3):
        client.defaults["REMOTE_ADDR"] = f"10.0.0.{n}"
        response = upload(client, PHOTO)
    assert response.status_code == 429
    client.logout()
    assert upload(client, PHOTO).status_code == 200


def test_throttle__off(client, limited, configure):
    configure(THROTTLE=None)
    answers = [upload(client, PHOTO) for _ in range(4)]
    assert {answer.status_code for answer in answers} == {200}
    assert "RateLimit-Limit" not in answers[0]


def test_throttle__a_scope_without_a_rate_is_free(client, limited, configure):
    configure(THROTTLE={"search": "2/min"})
    assert {client.get(READ).status_code for _ in range(5)} == {200}


def test_throttle__in_french(client, limited):
    for _ in range(3):
        response = client.post(URL, {}, headers={"Accept-Language": "fr"})
    assert "secondes" in refused(response, 429, "throttled")["detail"]


def test_throttle__the_page_without_javascript_too(client, limited):
    for _ in range(3):
        file = SimpleUploadedFile("photo.jpg", PHOTO)
        response = client.post("/search/photo/", {"image": file})
    assert response.status_code == 429
    assert response["Retry-After"] == "60"
    assert told(response) == (2, 0, 60)
    assert response.context["error"]["code"] == "throttled"
    assert client.get("/search/photo/").status_code == 200


def test_throttle__a_cache_that_is_down_stops_no_search(client, limited, settings, monkeypatch):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    monkeypatch.setattr(throttles, "_paused_until", 0.0)
    assert {upload(client, PHOTO).status_code for _ in range(4)} == {200}


def test_throttle__no_two_requests_share_a_place(redis_server, settings, configure, clock, rf):
    """Processes share one Redis; here threads with separate connections stand in for them."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": redis_server.url,
        }
    }
    configure(THROTTLE={"search": "20/min"})

    def ask(_):
        try:
            throttles.count_request(rf.get("/"), throttles.SEARCH)
        except throttles.Throttled:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(60))) == 20


@pytest.mark.parametrize(
    ("rate", "expected"),
    [("60/min", (60, 60)), ("5/s", (5, 1)), ("1/hour", (1, 3600)), ("9/day", (9, 86_400))],
)
def test_parse_rate(rate, expected):
    assert throttles.parse_rate(rate) == expected


@pytest.mark.parametrize("rate", ["", "60", "60/", "/min", "0/min", "-1/min", "60/fortnight"])
def test_parse_rate__that_is_none(rate):
    with pytest.raises(ValueError, match=rate or "^$"):
        throttles.parse_rate(rate)
