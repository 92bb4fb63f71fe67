"""The image files of the catalog: the values of file fields, and files at URLs."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import BinaryIO

from django.core.files.storage import FileSystemStorage, Storage
from django.db.models.fields.files import FieldFile

from .. import conf
from ..exceptions import PhotoError
from ..photos.allowed_origins import parse
from ..photos.download import fetch


def is_url(name: str) -> bool:
    """Return whether the name of an image is a URL, and not a name in a storage."""
    return name.startswith(("https://", "http://"))


class UrlStorage:
    """Downloads images as a storage opens files."""

    def exists(self, url: str) -> bool:
        """Return whether the image at a URL can be downloaded."""
        try:
            self.open(url)
        except PhotoError:
            return False
        return True

    def open(self, url: str) -> BinaryIO:
        """Return the image at a URL; redirects lead to its own origin or to ``FETCH_ORIGINS``.

        Raises UrlNotAllowed, UrlUnreachable or ImageTooLarge as :func:`~.download.fetch` does.
        """
        rules = conf.fetch_rules()
        own = {parse(url).origin}
        return io.BytesIO(fetch(url, replace(rules, origins=rules.origins | own)))


@dataclass(frozen=True)
class UrlFile:
    """An image at a URL, with the attributes of a FieldFile that this app uses."""

    name: str

    storage = UrlStorage()

    @property
    def url(self) -> str:
        """The URL."""
        return self.name


ImageFile = FieldFile | UrlFile


def url_in(storage: Storage, name: str) -> str:
    """Return the URL of a file in a storage.

    Those in Django's storage on disk are remembered, because a page has two dozen. Other storages
    may sign theirs for a limited time.
    """
    if getattr(storage.url, "__func__", None) is FileSystemStorage.url:
        return url_on_disk(storage, storage.base_url, name)  # type: ignore[attr-defined]
    return storage.url(name)


@lru_cache(maxsize=20_000)
def url_on_disk(storage: Storage, base_url: str | None, name: str) -> str:
    """Return the URL of a file in a storage with this base URL."""
    return storage.url(name)


def read_file(file: ImageFile) -> bytes:
    """Return the bytes of a stored file, or of the one at a URL; storages raise any error."""
    with file.storage.open(str(file.name)) as stored:
        data: bytes = stored.read()
    return data
