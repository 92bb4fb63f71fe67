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
            f"{FOLDER} is {folder!r}, which is no folder.",
            hint="Make it, in memory and empty at each start; or leave it to"
            " visualsearch.contrib.prometheus.processes.share.",
            id="visualsearch.E102",
        )
    ]
