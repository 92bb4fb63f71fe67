"""Read and write index files: atomic on write, verified by SHA-256 on read."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .. import conf
from ..exceptions import IndexFileError
from ..indexes.base import FileIndex
from ..models import IndexVersion

# An index file of the machine that built the version, or one that this machine has rebuilt.
OWN_FILE = re.compile(
    r"(?P<stem>(?P<encoder>.+)-\d+)(?:\.(?P<revision>\d+)\.(?P<digest>[0-9a-f]{64}))?\.index"
)
# Locked by the process that rebuilds an index.
LOCK = "rebuild.lock"


def folder() -> Path:
    """Return the folder of the index files; create it if missing."""
    path = Path(conf.get("DATA_DIR"))
    path.mkdir(parents=True, exist_ok=True)
    return path


def write(index: FileIndex, name: str) -> str:
    """Save an index to the file ``name`` atomically; return the file's SHA-256."""
    return save(index, name, lambda digest: name)


def write_copy(index: FileIndex, version: IndexVersion, revision: int) -> None:
    """Save a version's index that this machine has rebuilt, up to a revision of the rows.

    The name of the file contains its SHA-256, because the recorded one is of another machine's
    file. Earlier copies are deleted.
    """
    stem, before = Path(version.file).stem, copies(version)
    save(index, version.file, lambda digest: f"{stem}.{revision}.{digest}.index")
    for path in before:
        path.unlink(missing_ok=True)
    delete_orphans()


def save(index: FileIndex, name: str, name_for: Callable[[str], str]) -> str:
    """Save an index atomically to the file that ``name_for`` names by its SHA-256; return that.

    ``name``: the name of the file while it is written, with another suffix.
    """
    part = (folder() / name).with_suffix(f".part{os.getpid()}")
    try:
        index.save(part)
        with part.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        part.replace(folder() / name_for(digest))
    finally:
        part.unlink(missing_ok=True)
    return digest


def copies(version: IndexVersion) -> list[Path]:
    """Return the files of a version that this machine has rebuilt."""
    found = (OWN_FILE.fullmatch(path.name) for path in folder().iterdir())
    stem = Path(version.file).stem
    return [
        folder() / match[0] for match in found if match and match["digest"] and match[1] == stem
    ]


def read_copy(
    version: IndexVersion, kind: type[FileIndex], dim: int, options: Any
) -> tuple[FileIndex, int] | None:
    """Load a version's index that this machine has rebuilt, and return it with its revision.

    None if there is no such file or it is damaged.
    """
    for path in copies(version):
        match = OWN_FILE.fullmatch(path.name)
        with suppress(IndexFileError):
            if match and sha256(path) == match["digest"]:
                return kind.load(path, dim, **options), int(match["revision"])
    return None


@contextmanager
def rebuilding() -> Iterator[None]:
    """Let one process of this machine rebuild an index at a time."""
    with (folder() / LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def delete_orphans() -> None:
    """Delete the index files of versions that another machine has deleted."""
    versions = IndexVersion.everywhere.values_list("pk", "encoder")
    kept = {f"{encoder}-{pk}" for pk, encoder in versions}
    encoders = {encoder for _pk, encoder in versions}
    for path in folder().iterdir():
        match = OWN_FILE.fullmatch(path.name)
        # The folder may contain files of others.
        if match and match["encoder"] in encoders and match["stem"] not in kept:
            path.unlink(missing_ok=True)


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
    if sha256(path) != version.sha256:
        raise IndexFileError(f"{path} is damaged: its SHA-256 is not the recorded one")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file; raise IndexFileError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise IndexFileError(f"{path} cannot be read") from error


def size(version: IndexVersion) -> int:
    """Return the size of a version's file in bytes."""
    return (folder() / version.file).stat().st_size


def delete(version: IndexVersion) -> None:
    """Delete a version's files of this machine, if there are any."""
    if version.file:
        for path in (folder() / version.file, *copies(version)):
            path.unlink(missing_ok=True)
