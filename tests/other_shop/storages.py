"""Storages as shops have them: one without paths, as object stores, and one of hashed files."""

from __future__ import annotations

import os
from typing import Any

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage

FOLDER = os.path.join(os.environ.get("OTHER_SHOP", "/nonexistent"), "bucket")


class Bucket(Storage):
    """Keeps each file under its name; addresses are signed."""

    def _place(self, name: str) -> str:
        return os.path.join(FOLDER, name.replace("/", "%"))

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        with open(self._place(name), "rb") as stored:
            return ContentFile(stored.read(), name)

    def _save(self, name: str, content: File[Any]) -> str:
        os.makedirs(FOLDER, exist_ok=True)
        with open(self._place(name), "wb") as stored:
            stored.writelines(content.chunks())
        return name

    def delete(self, name: str) -> None:
        os.remove(self._place(name))

    def exists(self, name: str) -> bool:
        return os.path.exists(self._place(name))

    def url(self, name: str | None) -> str:
        return f"https://bucket.example/{name}?signature=a&expires=1"


class OnlyHashed(ManifestStaticFilesStorage):
    """Static files whose names have hashes, those of imported modules, too, and no others."""

    support_js_module_import_aggregation = True

    def post_process(self, *args: Any, **kwargs: Any) -> Any:
        yield from super().post_process(*args, **kwargs)
        for name in self.hashed_files:
            self.delete(name)
