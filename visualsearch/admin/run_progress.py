"""The state of a run for its panel (card) in a page, and for the JSON that the page polls."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from .. import conf
from ..models import Run
from .number_formats import NOTHING, duration, number, percent

State = Run.State

COLOURS = {
    State.QUEUED: "quiet",
    State.RUNNING: "busy",
    State.PAUSED: "warning",
    State.FINISHED: "good",
    State.WITH_FAILURES: "warning",
    State.CANCELLED: "quiet",
    State.FAILED: "bad",
}


def progress(run: Run) -> dict[str, Any]:
    """Return the values of a run's card.

    Keys: ``open`` (whether it has not ended), ``colour`` (of the badge), ``done`` and ``items``
    (how many items are done, and how many there are), ``percent`` done, ``controls`` (see
    :func:`controls`), ``announcement`` (for screen readers) and ``texts`` (see :func:`texts`).
    Texts are in the active language.
    """
    share = percent(run.done, run.items)
    return {
        "open": bool(run.open),
        "colour": colour(run),
        "done": run.done,
        "items": run.items,
        "percent": share,
        "controls": controls(run),
        "announcement": announcement(run, share),
        "texts": texts(run),
    }


def colour(run: Run) -> str:
    """Return the colour of the badge for a run's state: good, warning, bad, busy or quiet."""
    return "bad" if run.is_dead else COLOURS[State(run.state)]


def outcome(run: Run) -> str:
    """Return a run's state as text, with a requested pause or cancellation."""
    if run.is_dead:
        return _("no heartbeat")
    if run.open and run.wish:
        return f"{run.get_state_display()}, {run.get_wish_display()}"
    return run.get_state_display()


def controls(run: Run) -> list[str]:
    """Return the buttons to show for a run: some of pause, resume and cancel."""
    if not run.open:
        return []
    if run.state == State.PAUSED or run.is_dead:
        return ["resume", "cancel"]
    if run.state == State.QUEUED and waits_long(run):
        return ["resume", "cancel"]
    if run.wish == Run.Wish.CANCEL:
        return []
    return ["cancel"] if run.wish else ["pause", "cancel"]


def waits_long(run: Run) -> bool:
    """Return whether a queued run may have been lost on its way to a worker.

    Sending it to a worker again does no harm.
    """
    return run.created < timezone.now() - timedelta(seconds=conf.get("RUN_TIMEOUT"))


def announcement(run: Run, share: int) -> str:
    """Return the text for screen readers; it changes with the state and every 10 % of progress.

    ``share``: percent done.
    """
    if run.open and run.state == State.RUNNING and not run.is_dead:
        return _("Run %(run)s: %(stage)s, %(percent)s %%") % {
            "run": run.pk,
            "stage": run.get_stage_display() or run.get_state_display(),
            "percent": share // 10 * 10,
        }
    return _("Run %(run)s: %(state)s") % {"run": run.pk, "state": outcome(run)}


def texts(run: Run) -> dict[str, str]:
    """Return the texts of a run's card by name.

    Names: ``state``, ``stage``, ``done``, ``encoded``, ``unchanged``, ``removed``, ``failed``,
    ``rate``, ``left`` (time left), ``heartbeat`` and ``error``.
    """
    working = run.open and run.state == State.RUNNING and not run.is_dead
    left = run.seconds_left if working and run.stage in ("", Run.Stage.ENCODING) else None
    return {
        "state": outcome(run),
        "stage": run.get_stage_display() if working else "",
        "done": _("%(done)s of %(items)s products")
        % {"done": number(run.done), "items": number(run.items)},
        "encoded": number(run.encoded),
        "unchanged": number(run.unchanged),
        "removed": number(run.removed),
        "failed": number(run.failed),
        "rate": rate(run),
        "left": duration(left),
        "heartbeat": heartbeat(run),
        "error": run.error,
    }


def rate(run: Run) -> str:
    """Format products per second; a dash during the first second of work."""
    if run.rate is None or run.worked < 1:
        return NOTHING
    return _("%(rate)s products/s") % {"rate": number(run.rate, 0 if run.rate >= 10 else 1)}


def heartbeat(run: Run) -> str:
    """Return how long ago the last heartbeat of an open run was, a dash if there is none."""
    if run.heartbeat is None or not run.open:
        return NOTHING
    age = max(0, round((timezone.now() - run.heartbeat).total_seconds()))
    return _("%(time)s ago") % {"time": duration(age) if age else "0\xa0s"}
