"""Keep requests out of the transaction that ATOMIC_REQUESTS would wrap them in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connections, transaction


def without_transaction(view: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a view as not atomic in any database.

    A refused photo is counted although the response is an error, and a search, which may take
    seconds, does not keep SQLite locked.
    """
    for alias in connections:
        view = transaction.non_atomic_requests(alias)(view)
    return view
