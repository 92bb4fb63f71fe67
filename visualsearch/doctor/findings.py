"""What an examination found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was examined.

    ``name``: what was examined, such as ``images()``. ``ok``: whether it is right. ``detail``: what
    was seen. ``remedy``: the line to change, "" if it is right.
    """

    name: str
    ok: bool
    detail: str
    remedy: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as JSON values."""
        return dict(vars(self))


def right(name: str, detail: str) -> Finding:
    return Finding(name=name, ok=True, detail=detail)


def wrong(name: str, detail: str, remedy: str) -> Finding:
    return Finding(name=name, ok=False, detail=detail, remedy=remedy)


def examined(name: str, examine: Callable[[], Iterator[Finding]], remedy: str) -> list[Finding]:
    """Return what ``examine`` yields; an exception is one more finding with this ``remedy``."""
    found = []
    try:
        for finding in examine():
            found.append(finding)
    except Exception as error:  # the shop's own code may raise anything
        detail = f"It raised {type(error).__name__}: {error}"
        found.append(wrong(name, detail, remedy))
    return found
