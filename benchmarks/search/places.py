"""Folders, environments of child processes, and sizes that the benchmark measures."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".data" / "benchmarks"

MEGAPIXELS = ("0.3", "1", "4", "12")
CATALOGS = (1_000, 10_000, 100_000, 1_000_000)
# The photo and catalog size of most measurements.
USUAL_PHOTO, USUAL_CATALOG = "4", 100_000
# About what the storefront component sends.
SMALL_PHOTO = "0.3"

# Variables that a child process inherits.
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


def environment(**values: str) -> dict[str, str]:
    """Return the environment of a child process: a few inherited variables and ``values``."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **values}


def shop(folder: Path, **values: str) -> dict[str, str]:
    """Return the environment of a shop whose SQLite database and index are in ``folder``.

    ``values``: further variables.
    """
    return environment(
        DJANGO_SETTINGS_MODULE="shop.settings",
        DATABASE_URL=f"sqlite:///{folder}/db.sqlite3",
        MEDIA_ROOT=str(folder / "media"),
        VISUALSEARCH_DATA_DIR=str(folder / "index"),
        DEBUG="false",
        VISUALSEARCH_THROTTLE="off",
        SECRET_KEY="of the benchmark",
        **values,
    )
