"""System checks for integrations that are installed without their package."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from django.core.checks import CheckMessage, Error


def is_there(module: str) -> bool:
    """Return whether a module can be imported."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its parent package is missing
        return False


def needs(module: str, package: str, extra: str, app: str) -> Callable[..., list[CheckMessage]]:
    """Return a system check that reports an error unless ``module`` can be imported.

    ``package``: its name on PyPI; ``extra``: the extra of this project that installs it; ``app``:
    the installed app that needs it.
    """

    def check_package(**kwargs: Any) -> list[CheckMessage]:
        if is_there(module):
            return []
        return [
            Error(
                f"“{app}” needs the package {package}.",
                hint=f"Install it (pip install visualsearch[{extra}]), or remove the app from"
                " INSTALLED_APPS.",
                id="visualsearch.E101",
            )
        ]

    return check_package
