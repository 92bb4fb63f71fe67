"""A system check for metrics of several processes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage, Error

from .processes import FOLDER


def check_folder(**kwargs: Any) -> list[CheckMessage]:
    """Check that the configured folder of metrics files exists."""
    folder = os.environ.get(FOLDER)
    if not folder or Path(folder).is_dir():
        return []
    return [
        Error(
            f"{FOLDER} is {folder!r}, which is not a folder.",
            hint="Create it in memory and empty it at each start, or unset it and call"
            " visualsearch.contrib.prometheus.processes.share.",
            id="visualsearch.E102",
        )
    ]
