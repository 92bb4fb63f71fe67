"""The history of ranking rules: who changed what, and how to undo it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..models import Experiment, RankingRule, RuleChange, Storefront
from ..models.primary import atomic
from .rule_words import FIELDS, value_text, values_of


class CannotUndo(Exception):
    """Raised if a change cannot be undone, because what it needs was deleted."""


def stored_values(rule: RankingRule) -> dict[str, Any] | None:
    """Return the values of a rule in the database, None if it is new."""
    row = RankingRule.objects.filter(pk=rule.pk).first() if rule.pk else None
    return values_of(row) if row else None


def record(
    user: Any, rule: RankingRule, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> RuleChange | None:
    """Store a change of a rule's values; return None if nothing differs.

    ``before``: None for a new rule; ``after``: None for a deleted one.
    """
    if before is not None and after is not None:
        changed = [name for name in FIELDS if before[name] != after[name]]
        if not changed:
            return None
        before = {name: before[name] for name in changed}
        after = {name: after[name] for name in changed}
    return RuleChange.objects.create(
        rule=rule.pk, name=rule.name, user=user.get_username(), before=before, after=after
    )


def save(user: Any, rule: RankingRule) -> None:
    """Save a rule, and the change with it."""
    with atomic():
        before = stored_values(rule)
        rule.save()
        record(user, rule, before, values_of(rule))


def delete(user: Any, rule: RankingRule) -> None:
    """Delete a rule, and store what it was."""
    with atomic():
        record(user, rule, values_of(rule), None)
        rule.delete()


def undo(user: Any, change: RuleChange) -> RankingRule | None:
    """Restore the values before a change; later changes of other fields stay.

    Returns the rule, None if its creation was undone. Undoing a change is a change, too, and can be
    undone. Raises CannotUndo if the rule, its storefront or its experiment was deleted.
    """
    with atomic():
        rule = RankingRule.objects.filter(pk=change.rule).first()
        if (rule is None) != (change.after is None):
            raise CannotUndo
        if change.before is None:
            if rule is not None:
                delete(user, rule)
        else:
            rule = rule or RankingRule(pk=change.rule)
            restore(rule, change.before)
            save(user, rule)
        RuleChange.objects.filter(pk=change.pk).update(undone=True)
    return None if change.before is None else rule


def restore(rule: RankingRule, values: dict[str, Any]) -> None:
    """Set values that :func:`.rule_words.values_of` returned; does not save.

    Raises CannotUndo if the storefront or the experiment was deleted.
    """
    kinds: dict[str, Any] = {"storefront": Storefront, "experiment": Experiment}
    for name, value in values.items():
        if name in kinds:
            if value is not None and not kinds[name].objects.filter(pk=value).exists():
                raise CannotUndo
            setattr(rule, f"{name}_id", value)
        elif name in ("starts", "ends"):
            setattr(rule, name, value and datetime.fromisoformat(value))
        else:
            setattr(rule, name, value)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A changed field: its label, and the old and the new value as text."""

    label: Any
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A change as shown in a history; ``kind``: "added", "deleted" or "changed"."""

    change: RuleChange
    kind: str
    lines: list[Line]


def entries(changes: Iterable[RuleChange]) -> list[Entry]:
    """Return changes with their values as text."""
    found = []
    for change in changes:
        before, after = change.before or {}, change.after or {}
        kind = "added" if change.before is None else "deleted" if change.after is None else ""
        lines = [
            Line(label=label, old=value_text(name, old), new=value_text(name, new))
            for name, label in FIELDS.items()
            if (old := before.get(name)) != (new := after.get(name))
        ]
        found.append(Entry(change=change, kind=kind or "changed", lines=lines))
    return found
