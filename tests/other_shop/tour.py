"""Use every way into the app over HTTP, as a customer and as staff."""

from __future__ import annotations

import base64
import html
import json
import re
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib.auth import get_user_model
from django.test import Client

from tests.helpers.pictures import encoded, picture
from tests.other_shop.script import index, sell, upload
from visualsearch.models import Experiment, IndexVersion

API, PAGE, ADMIN = "/api/visual-search/", "/search/photo/", "/admin/"
ADMIN_PAGES = [
    *("", "visualsearch/", "visualsearch/indexversion/overview/", "visualsearch/query/insights/"),
    *(f"visualsearch/query/insights/{name}.csv" for name in ("searches", "refusals")),
    *(f"visualsearch/{name}/" for name in ("run", "query", "embedding", "indexversion")),
]


def fill() -> None:
    """Sell and index twenty articles, so that results have a second page; start an experiment."""
    for n in range(20):
        sell(f"N{n}", n)
    index()
    index()
    Experiment.objects.create(name="Newer", version=IndexVersion.objects.last())


class Tour:
    """A visit with a client that checks CSRF tokens.

    ``prefix``: path that the web server strips from each address. ``api``, ``page`` and ``admin``:
    where the shop has the app's URLs.
    """

    def __init__(self, *, prefix: str = "", api: str = API, page: str = PAGE, admin: str = ADMIN):
        self.prefix, self.api, self.page, self.admin = prefix, api, page, admin
        self.client = Client(enforce_csrf_checks=True)

    def get(self, address: str, status: int = 200) -> Any:
        parts = urlsplit(address)
        path = parts.path.removeprefix(self.prefix) + (f"?{parts.query}" if parts.query else "")
        answer = self.client.get(path)
        assert answer.status_code == status, (address, answer.status_code, answer.content)
        return answer

    def post(self, address: str, data: Any, status: int = 200, **options: Any) -> Any:
        answer = self.client.post(address.removeprefix(self.prefix), data, **options)
        assert answer.status_code == status, (address, answer.status_code, answer.content)
        return answer

    def all(self) -> None:
        """Use the API, the search page and the admin."""
        self.customer()
        self.use_admin()

    def customer(self) -> None:
        """Use the API and the search page."""
        self.use_api()
        self.use_page()

    def use_api(self) -> None:
        found = self.post(self.api + "search/", {"image": upload(1)}).json()
        assert found["results"][0]["product"]["key"] == "N1"
        assert len(self.get(found["next"]).json()["results"]) == 8
        # Larger than Django's limit for bodies in memory.
        large = encoded(picture(2).resize((1200, 1200)), "BMP")
        text = json.dumps({"image": base64.b64encode(large).decode()})
        options = {"content_type": "application/json"}
        found = self.post(self.api + "search/", text, **options).json()
        assert found["results"][0]["product"]["key"] == "N2"
        self.get(f"{self.api}queries/{found['query_id']}/?facets=1")
        self.get(f"{self.api}queries/none/", 404)
        assert self.get(self.api + "products/N3/similar/").json()["results"]
        self.post(self.api + "classify/", {"image": upload(1)})
        batch = self.post(self.api + "batch/", {"image": [upload(1), upload(2)]}).json()
        assert [each["status"] for each in batch["results"]] == [200, 200]
        click = {"query_id": found["query_id"], "event": "click", "product": "N2"}
        form = {"content_type": "application/x-www-form-urlencoded"}
        self.post(self.api + "events/", urlencode(click), 201, **form)
        self.post(self.api + "events/", json.dumps(click), 200, **options)
        self.post(self.api + "search/", {"image": upload(None)}, 415)
        assert self.get(self.api + "status/").json()

    def use_page(self) -> None:
        start = self.get(self.page).content.decode()
        (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', start)
        (action,) = re.findall(r'method="post" action="([^"]+)"', start)
        (endpoint,) = re.findall(r'endpoint="([^"]+)"', start)
        assert (action, endpoint) == (self.prefix + self.page, self.prefix + self.api)
        fields = {"image": upload(1), "csrfmiddlewaretoken": token}
        first = self.post(action, fields).content.decode()
        (following,) = re.findall(r'rel="next" href="([^"]+)"', first)
        second = self.get(html.unescape(following)).content.decode()
        assert 'rel="prev"' in second
        (query,) = re.findall(r"\?photo=([\w-]+)", following)
        moved = self.get(f"{self.page}{query}/", 301)
        assert moved.headers["Location"].startswith(f"{self.prefix}{self.page}?photo=")
        refused = self.post(action, {**fields, "image": upload(None)}, 415).content.decode()
        assert 'role="alert"' in refused
        for text in (start, first, second, refused):
            assert "INVALID" not in text

    def use_admin(self) -> None:
        users = get_user_model()
        values = {users.USERNAME_FIELD: "owner@example.com", "is_staff": True}
        owner = users._default_manager.create(**values, is_superuser=True, is_active=True)
        self.client = Client()
        self.client.force_login(owner)
        for name in ADMIN_PAGES:
            answer = self.get(self.admin + name)
            text = b"".join(answer) if answer.streaming else answer.content
            assert b"INVALID" not in text, name
            assert name != "visualsearch/query/insights/searches.csv" or text.count(b"\n") > 5
        experiment = Experiment.objects.get()
        self.get(f"{self.admin}visualsearch/experiment/{experiment.pk}/change/")
        started = self.post(self.admin + "visualsearch/run/reindex/", {"scope": "all"}, 302)
        page = self.get(started.headers["Location"]).content.decode()
        assert "owner@example.com" in page
