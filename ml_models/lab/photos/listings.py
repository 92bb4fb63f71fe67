"""List the photos of a folder or of a catalog CSV."""

from __future__ import annotations

from pathlib import Path

from visualsearch.photos.decode import ACCEPTED_SUFFIXES

from ..exceptions import Refused
from .catalog import Listing, read_catalog


def list_photos(source: Path) -> Listing:
    """List photos in a fixed order: of a folder with a subfolder per class, or of a catalog CSV.

    Raises Refused if ``source`` does not exist or holds no photos.
    """
    if source.is_dir():
        return list_folder(source)
    if source.is_file():
        return read_catalog(source)
    raise Refused(f"there is no {source}: give a folder with one folder per class, or a catalog")


def list_folder(folder: Path) -> Listing:
    """List the photos of a folder with a subfolder per class, sorted.

    Each photo is its own product. Raises Refused if there are no photos.
    """
    classes = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    found = [
        (path, label)
        for label, name in enumerate(classes)
        for path in sorted((folder / name).iterdir())
        if path.suffix.lower() in ACCEPTED_SUFFIXES
    ]
    if not found:
        raise Refused(f"{folder} holds no photos: one folder per class is expected")
    return Listing(
        paths=[path for path, _ in found],
        labels=[label for _, label in found],
        groups=[path.relative_to(folder).as_posix() for path, _ in found],
        classes=classes,
    )
