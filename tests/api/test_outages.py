"""API responses while the database is down."""

import logging

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection

from tests.api.test_search import PHOTO, URL, refused, upload
from visualsearch.models import Event, Storefront

API = "/api/visual-search/"


def away(*args):
    raise OperationalError("the server closed the connection")


@pytest.fixture(params=["nobody", "customer", "storefront"])
def headers(request, client, db):
    if request.param == "customer":
        client.force_login(User.objects.create_user("ann"))
    if request.param != "storefront":
        return {}
    storefront = Storefront(name="blog")
    key = storefront.new_key()
    storefront.save()
    return {"X-Api-Key": key}


def asked(client, query_id, headers):
    """Return the responses of all endpoints, each requested once."""
    photo = lambda: {"image": SimpleUploadedFile("a.jpg", PHOTO)}  # noqa: E731
    event = {"query_id": query_id, "event": "click", "product": "P3"}
    yield client.post(URL, photo(), headers=headers)
    yield client.post(f"{API}batch/", photo(), headers=headers)
    yield client.post(f"{API}classify/", photo(), headers=headers)
    yield client.post(f"{API}events/", event, "application/json", headers=headers)
    yield client.get(f"{API}queries/{query_id}/?facets=1", headers=headers)
    yield client.get(f"{API}products/P3/similar/", headers=headers)


def test_database_away__come_back_later(client, indexed, headers, caplog):
    found = client.post(URL, {"image": SimpleUploadedFile("a.jpg", PHOTO)}, headers=headers)
    query_id = found.json()["query_id"]
    with caplog.at_level(logging.INFO), connection.execute_wrapper(away):
        for response in asked(client, query_id, headers):
            refused(response, 503, "search_unavailable")
            assert response["Retry-After"] == "5"
    crashes = [each for each in caplog.records if each.exc_info]
    assert {each.name for each in crashes} <= {"visualsearch.search_queue.jobs"}
    assert not Event.objects.exists()


def test_database_away__a_bad_photo_is_said_to_be_one(client, indexed, caplog):
    with connection.execute_wrapper(away):
        refused(upload(client, b"x"), 415, "unsupported_image")
    assert "The refusal “unsupported_image” could not be stored" in caplog.text
