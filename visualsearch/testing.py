"""Tools for the tests of shops: an index of their own, pictures, and searches."""

from __future__ import annotations

import io
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.core.files import File
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.db.models.fields.files import FieldFile
from django.test import Client, override_settings
from django.urls import reverse
from PIL import Image

from .conf import DEFAULTS
from .models import Run
from .reindex import encoding, runs
from .serving import loaded_versions
from .signal_handlers import Changes

Picture = File | Image.Image | bytes | os.PathLike[str] | str

# What a test needs whatever the shop's settings are.
SETTINGS = {
    "ENCODER": "visualsearch.encoders.fake.FakeEncoder",
    "ENCODER_OPTIONS": {},
    "INDEX": DEFAULTS["INDEX"],
    "INDEX_OPTIONS": {},
    "USE_CELERY": False,
    "REDIS_URL": "",
    "RUN_IN_BACKGROUND": False,
    "WRITE_DELAY": 0,
    "LABELLED_QUERIES": "",
    "THROTTLE": None,
}


@contextmanager
def isolated_index(**values: Any) -> Iterator[None]:
    """Search and index in this process, with the fake encoder and a temporary ``DATA_DIR``.

    Use it in a ``with`` statement, as a decorator of a test function, or in a pytest fixture; for
    test classes there is :class:`IsolatedIndex`. ``values``: settings of the app to change besides.
    """
    with tempfile.TemporaryDirectory(prefix="visualsearch-") as folder:
        own = {**SETTINGS, "DATA_DIR": folder, **values}
        loaded_versions.unload_all()
        try:
            with override_settings(VISUALSEARCH={**settings.VISUALSEARCH, **own}):
                yield
        finally:
            loaded_versions.unload_all()


class IsolatedIndex:
    """A mixin that gives a test class :func:`isolated_index`; name it before Django's class.

    ``index_settings``: settings of the app to change besides.
    """

    index_settings: dict[str, Any] = {}

    @classmethod
    def setUpClass(cls) -> None:
        # Before setUpTestData() and the start of a live server.
        cls.enterClassContext(isolated_index(**cls.index_settings))  # type: ignore[attr-defined]
        super().setUpClass()  # type: ignore[misc]

    def setUp(self) -> None:
        # With ``reset_sequences``, the rows of two tests have the same keys and revisions.
        loaded_versions.unload_all()
        super().setUp()  # type: ignore[misc]


def index_catalog() -> Counter[str]:
    """Index the whole catalog; return counts of images.

    The keys of the counts are ``encoded``, ``unchanged``, ``removed`` and ``failed``. Raises
    AssertionError if the run fails.
    """
    run, new = runs.request(Run.Scope.ALL)
    assert new, f"Run {run.pk} is still {run.state}."
    run = runs.execute(run)
    assert run.state in (Run.State.FINISHED, Run.State.WITH_FAILURES), run.error
    return Counter({name: getattr(run, name) for name in encoding.COUNTS})


def index_changes() -> None:
    """Index what this test has saved, changed and deleted in transactions that are still open.

    In a ``TestCase``, each test is a transaction that never commits, so that products are not
    indexed when they are saved. :func:`search_by` calls this function.
    """
    for connection in connections.all(initialized_only=True):
        for _savepoints, callback, *_ in list(connection.run_on_commit):
            if isinstance(callback, Changes) and not callback.done:
                callback()


def search_by(picture: Picture, *, client: Client | None = None, **filters: Any) -> dict[str, Any]:
    """Search through the API and return the response body, best results first.

    ``picture``: a Django file, such as that of an ``ImageField``, a Pillow image, the bytes of a
    file, or a path. ``filters``: query parameters, such as ``color="red"`` and ``limit=3``, and
    ``q="in navy"`` for the customer's words.
    ``client``: the test client to use, for example one that is logged in. Raises AssertionError
    if the response is an error.
    """
    index_changes()
    response = (client or Client()).post(
        reverse("visualsearch-api:search"),
        {"image": SimpleUploadedFile("photo", data_of(picture))},
        query_params=filters,
        # With REQUIRE_API_KEY, only the shop's own pages need no key.
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert response.status_code == 200, response.content.decode()
    body: dict[str, Any] = response.json()
    return body


def data_of(picture: Picture) -> bytes:
    """Return the bytes of a picture's file."""
    if isinstance(picture, bytes):
        return picture
    if isinstance(picture, Image.Image):
        file = io.BytesIO()
        picture.save(file, "PNG")
        return file.getvalue()
    if isinstance(picture, FieldFile):
        with picture.storage.open(str(picture.name)) as stored:
            return bytes(stored.read())
    if isinstance(picture, File):
        picture.seek(0)
        data: bytes = picture.read()
        picture.seek(0)
        return data
    return Path(picture).read_bytes()


def picture(seed: int = 0, size: tuple[int, int] = (120, 160)) -> SimpleUploadedFile:
    """Return a JPEG of coloured patches, to save in an ``ImageField`` or to upload.

    Pictures of different seeds look different; one seed always gives the same bytes. ``size``:
    width and height.
    """
    patches = np.random.default_rng(seed).integers(0, 256, (4, 3, 3), np.uint8)
    image = Image.fromarray(patches).resize(size, Image.Resampling.BICUBIC)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return SimpleUploadedFile(f"picture-{seed}.jpg", file.getvalue(), "image/jpeg")
