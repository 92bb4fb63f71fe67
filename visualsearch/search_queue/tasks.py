"""The Celery tasks of search workers, on the queue ``visualsearch.search``."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec
from celery import shared_task
from django.utils.translation import get_language

from .. import conf
from ..broker import CatalogTask
from ..exceptions import InvalidBase64, VisualSearchError
from ..photos.decode import open_photo
from ..search.requests import ClassifyRequest, EmbedRequest, Request
from ..serving import loaded_versions
from . import heartbeat, jobs

QUEUE = "visualsearch.search"


class SearchTask(CatalogTask):
    """A task for search workers; an expected error is logged in one line."""

    queue = QUEUE
    throws = (VisualSearchError,)


class PhotoTask(SearchTask):
    """A task whose argument is a photo, which shows neither in events nor in logs."""

    resultrepr_maxsize = 100

    def apply_async(self, *args: Any, **options: Any) -> Any:
        """Send the task; see Celery."""
        hidden = {"argsrepr": "(photo)", "kwargsrepr": "{photo}"}
        return super().apply_async(*args, **hidden | options)


@shared_task(name="visualsearch.search", base=SearchTask, bind=True, ignore_result=True)
def search(self: SearchTask, name: str) -> None:
    """Search by the photo that a web process stored under ``name``.

    The result is stored as a query. Raises the search's error, so that it shows in Celery's events.
    """
    failure = jobs.run(name, heartbeat.heartbeat_name(self.request.hostname or ""))
    if failure:
        raise failure.error()


@shared_task(name="visualsearch.classify", base=PhotoTask, ignore_result=False)
def classify(photo: str) -> dict[str, Any]:
    """Return the most probable classes of a photo, best first.

    ``photo``: an image file as base64. Returns ``{"predictions": [{"label": …, "probability":
    0…1}]}``. Raises PhotoError for an unusable photo, ModelUnavailable if the model
    cannot be loaded.
    """
    return carried_out(ClassifyRequest(), photo)


@shared_task(name="visualsearch.embed", base=PhotoTask, ignore_result=False)
def embed(photo: str) -> dict[str, Any]:
    """Return the embedding of a photo's subject.

    ``photo``: an image file as base64. Returns ``{"encoder": id, "embedding": [number, …],
    "subject": [x, y, w, h] or None}``; the embedding is L2-normalised. Raises PhotoError for an
    unusable photo, ModelUnavailable if the model cannot be loaded.
    """
    return carried_out(EmbedRequest(), photo)


def carried_out(request: Request[Any], photo: str) -> dict[str, Any]:
    """Decode a photo, carry out a request, and return the result as JSON values."""
    try:
        data = base64.b64decode(photo, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidBase64 from error
    spec = loaded_versions.common_input_spec()
    limits = conf.limits(spec.size if spec else None)
    opened = open_photo(data, limits=limits, budget=conf.decode_budget())
    reply = jobs.reply_to(request, opened, language=get_language() or "en")
    if reply.failure:
        raise reply.failure.error()
    values: dict[str, Any] = msgspec.to_builtins(reply.result)
    return values
