"""Set up the shop's database, sell pictures, and search over HTTP."""

import io
from typing import Any

import django
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from tests.helpers.pictures import encoded, picture


def start() -> None:
    """Set up Django with empty tables in every database but a replica."""
    django.setup()
    for alias in settings.DATABASES:
        if alias != "replica":
            call_command("migrate", run_syncdb=True, verbosity=0, database=alias)


def file(seed: int) -> ContentFile:
    return ContentFile(encoded(picture(seed), "PNG"), f"{seed}.png")


def sell(code: str, seed: int, **values: Any) -> Any:
    """Create an article with one picture."""
    from tests.other_shop.models import Article, Picture

    article = Article.objects.create(code=code, **values)
    Picture.objects.create(article=article, file=file(seed))
    return article


def upload(seed: int | None) -> SimpleUploadedFile:
    """Return a photo to send; None: a file that is no picture."""
    data = b"no picture" if seed is None else encoded(picture(seed), "PNG")
    return SimpleUploadedFile("photo.png", data, "image/png")


def index() -> None:
    call_command("visualsearch_index", verbosity=0, stdout=io.StringIO())


def search(seed: int, **query: Any) -> dict[str, Any]:
    """Return the response to a search with a picture."""
    address = "/api/visual-search/search/"
    answer = Client().post(address, {"image": upload(seed), **query}, query_params=query)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def keys(seed: int, **query: Any) -> list[str]:
    """Return the keys of what is found, best first."""
    return [each["product"]["key"] for each in search(seed, **query)["results"]]


def exact(seed: int) -> list[str]:
    """Return the keys of the items that show this very picture."""
    found = search(seed)["results"]
    return sorted(each["product"]["key"] for each in found if each["score"] > 0.999)
