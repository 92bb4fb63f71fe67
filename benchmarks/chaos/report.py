"""Count answers, tell those that are allowed from those that are not, and print the verdict."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

from .client import Answer
from .outages import Outages

# Least share of requests outside stated outages that must be answered.
AVAILABLE = 0.995
# Services whose outage excuses that a kind of request is refused.
SEARCHING = frozenset({"web", "search", "redis", "db"})
EXCUSES = {
    "search": SEARCHING,
    "later page": SEARCHING,
    "event": SEARCHING,
    "shop page": frozenset({"web", "db"}),
}
# Faults to print in full.
SHOWN = 20


@dataclass(kw_only=True)
class Journal:
    """A record of what happened in a run; safe to use from several threads.

    ``answers``: requests by kind, outcome, and whether an outage was stated. ``wrong``: answers
    that are never allowed. ``lost``: confirmed writes that are gone. ``failed``: anything else that
    must not happen, such as a service that does not come back.
    """

    outages: Outages
    answers: Counter[tuple[str, str, bool]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, answer: Answer) -> None:
        """Count an answer; an answer that is neither success nor an honest refusal is wrong."""
        away = bool(self.outages.during(answer.start, answer.end) & EXCUSES[kind])
        unreachable = not answer.status
        web_away = "web" in self.outages.during(answer.start, answer.end)
        with self.lock:
            if answer.status in (200, 201):
                outcome = "answered"
            elif answer.status == 503 and answer.retry_after:
                outcome = "refused"
            elif unreachable and (web_away or not away):
                outcome = "unreachable"
            else:
                outcome = "wrong"
                self.wrong.append(f"{kind}: {answer.status or 'no answer'} {answer.text[:300]}")
            self.answers[kind, outcome, away] += 1

    def blame(self, kind: str, fault: str) -> None:
        """Count a successful answer with wrong content."""
        with self.lock:
            self.wrong.append(f"{kind}: {fault}")

    def availability(self) -> float:
        """Return the share of requests outside stated outages that were answered."""
        outside = {key: count for key, count in self.answers.items() if not key[2]}
        answered = sum(count for key, count in outside.items() if key[1] == "answered")
        return answered / max(1, sum(outside.values()))

    def passed(self) -> bool:
        """Return whether all targets are met."""
        return not (self.wrong or self.lost or self.failed) and self.availability() >= AVAILABLE

    def table(self) -> str:
        """Return the requests by answer, the targets, and the first faults, as text."""
        outcomes = ("answered", "refused", "unreachable", "wrong")
        lines = [f"{'':<28}" + "".join(f"{each:>12}" for each in outcomes)]
        for kind in EXCUSES:
            for away in (False, True):
                counts = [self.answers[kind, each, away] for each in outcomes]
                when = "in outages" if away else "otherwise"
                lines.append(f"{kind:<16}{when:<12}" + "".join(f"{each:>12,}" for each in counts))
        lines += [
            "",
            f"availability outside stated outages   {self.availability():.2%} (≥ {AVAILABLE:.1%})",
            f"wrong answers                         {len(self.wrong)} (0)",
            f"lost writes                           {len(self.lost)} (0)",
            f"other failures                        {len(self.failed)} (0)",
            *self.notes,
        ]
        for name, faults in (("wrong", self.wrong), ("lost", self.lost), ("failed", self.failed)):
            lines += [f"{name}: {fault}" for fault in faults[:SHOWN]]
        return "\n".join(lines)
