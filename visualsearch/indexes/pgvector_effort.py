"""What a search in pgvector does: how many lists it reads, and how it applies a filter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Lists:
    """Inverted lists: how many, of how many vectors, and how many to read for the best ten of all.

    Without lists, all are 0.
    """

    count: int = 0
    size: int = 0
    probes: int = 0

    def vectors(self, rows: int) -> float:
        """Return how many vectors to read until enough of ``rows`` ids that pass are among them.

        The rarer they are, the farther from the query are the best ten. With the fourth root,
        10 % and 50 % of a million find as much as all (docs/index-backends.md).
        """
        share = min(1.0, max(1, rows) / max(1, self.size))
        return self.probes * self.size / max(1, self.count) / share**0.25

    def probes_for(self, k: int, rows: int | None) -> int:
        """Return how many lists to read for the best ``k`` of ``rows`` ids; None: of all."""
        if not self.count:
            return 1
        vectors = self.vectors(self.size if rows is None else rows) * max(1.0, k / 10) ** 0.5
        return min(self.count, max(1, ceil(round(vectors * self.count / self.size, 6))))


@dataclass(frozen=True, kw_only=True)
class Passing:
    """The ids that pass a filter: a subquery, its parameters, and about how many they are.

    ``rows`` None: no filter. ``few``: they are compared one by one. ``one_by_one``: to look up one
    id is so cheap that the ids met in a search are looked up, and the others never.
    """

    inner: str = ""
    values: Sequence[Any] = ()
    rows: int | None = None
    few: bool = False
    one_by_one: bool = False

    def condition(self) -> str:
        """Return the WHERE clause.

        Neither form is a join, which the planner may do first, and so read all that pass.
        """
        if not self.inner:
            return ""
        if self.one_by_one:
            # Never hashed, unlike EXISTS.
            return (
                f"WHERE (SELECT true FROM ({self.inner}) AS given (id)"
                " WHERE given.id = stored.id LIMIT 1)"
            )
        return f"WHERE (id IN ({self.inner})) IS TRUE"


def estimate(cursor: Any, sql: str, values: Sequence[Any]) -> tuple[int, float]:
    """Return the planner's estimates for a query: its rows, and its cost."""
    cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", values)
    plan = cursor.fetchone()[0]
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return int(plan[0]["Plan"]["Plan Rows"]), float(plan[0]["Plan"]["Total Cost"])
