"""Read and write index files: atomic on write, verified by SHA-256 on read."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from .. import conf
from ..exceptions import IndexFileError
from ..indexes.base import FileIndex
from ..models import IndexVersion


def folder() -> Path:
    """Return the folder of the index files; create it if missing."""
    path = Path(conf.get("DATA_DIR"))
    path.mkdir(parents=True, exist_ok=True)
    return path


def write(index: FileIndex, name: str) -> str:
    """Save an index to the file ``name`` atomically; return the file's SHA-256."""
    target = folder() / name
    part = target.with_suffix(f".part{os.getpid()}")
    try:
        index.save(part)
        with part.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return digest


def read(version: IndexVersion, kind: type[FileIndex], dim: int, options: Any) -> FileIndex:
    """Load the index in a version's file.

    Raises IndexFileError if the file is missing, does not have the recorded hash, or is not of this
    kind.
    """
    verify(version)
    return kind.load(folder() / version.file, dim, **options)


def verify(version: IndexVersion) -> None:
    """Raise IndexFileError if a version's file is missing or does not have the recorded hash."""
    path = folder() / version.file
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise IndexFileError(f"{path} cannot be read") from error
    if digest != version.sha256:
        raise IndexFileError(f"{path} is damaged: its SHA-256 is not the recorded one")


def size(version: IndexVersion) -> int:
    """Return the size of a version's file in bytes."""
    return (folder() / version.file).stat().st_size


def delete(version: IndexVersion) -> None:
    """Delete a version's file, if there is one."""
    if version.file:
        (folder() / version.file).unlink(missing_ok=True)
