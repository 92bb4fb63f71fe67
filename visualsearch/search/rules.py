"""Placeholder until the rules are merged."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Effect:
    boost: float = 0.0
    buried: bool = False
    hidden: bool = False
    rules: tuple[int, ...] = ()


class Effects:
    pins: Sequence[str] = ()

    def of(self, item: str) -> Effect:
        return Effect()

    def hidden_items(self) -> Collection[str]:
        return ()


def effects_for(
    *,
    category: str | None,
    label: str | None,
    storefront: int | None,
    experiment: int | None,
    variant: str,
) -> Effects | None:
    return None
