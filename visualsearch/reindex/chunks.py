"""Divide a run into chunks, which workers claim, advance and finish."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext as _

from ..models import Run, RunChunk
from ..models.chunks import any_held
from ..models.primary import atomic
from ..models.process_names import this_process
from . import scopes

# Items in a chunk: a hundredth of a run's, within these limits. The last chunks of a run should
# take its workers equally long, and each costs some queries.
LEAST, MOST = 200, 1000
# Items in a chunk of those that have rows and may be gone; few are.
MOST_GONE = 2000
# Processes that may die in a row on a chunk without finishing a step; a file may be the cause.
MOST_LOST = 5

# Chunks that this process works on.
_held: set[int] = set()


class TakenOver(Exception):
    """Raised if this process may not work on a run or chunk: others do, or the run is closed."""


class Unworkable(Exception):
    """Raised if processes keep dying on the same chunk."""


class Claims:
    """The chunks that one call of :func:`visualsearch.reindex.runs.execute` works on.

    ``leads``: whether the call prepares the run or builds its version.
    """

    def __init__(self, run: Run):
        self.run, self.leads = run, False
        self.chunks: dict[int, RunChunk] = {}

    def claim(self) -> RunChunk | None:
        """Claim a chunk that nobody works on, or the next items; None if there are none now.

        Raises Unworkable if processes keep dying on the chunk.
        """
        with atomic():
            run = Run.objects.select_for_update().get(pk=self.run.pk)
            if run.state != Run.State.RUNNING or run.stage != Run.Stage.ENCODING or run.wish:
                return None
            chunk = left_over(run) or next_chunk(run)
            if chunk is None:
                return None
            chunk.lost += chunk.owner not in ("", this_process())
            chunk.owner, chunk.claims = this_process(), chunk.claims + 1
            chunk.heartbeat = timezone.now()
            chunk.save()
            self.chunks[chunk.pk] = chunk
            _held.add(chunk.pk)
        if chunk.lost >= MOST_LOST:
            raise Unworkable(
                _("%(count)d processes died on the products from %(first)s to %(last)s.")
                % {"count": chunk.lost, "first": chunk.after or "…", "last": chunk.upto}
            )
        return chunk

    def own(self, chunk: RunChunk) -> QuerySet[RunChunk]:
        """Return a queryset of the chunk's row; it is empty if another process has claimed it."""
        return RunChunk.objects.filter(pk=chunk.pk, claims=chunk.claims)

    def confirm(self, chunk: RunChunk, counts: object = None) -> None:
        """Raise TakenOver if another process has claimed the chunk or the run is closed.

        Otherwise nobody can claim it before the transaction ends.
        """
        if not self.own(chunk).update(heartbeat=timezone.now()):
            raise TakenOver

    def advance(
        self, chunk: RunChunk, cursor: str, items: int, seconds: float, counts: Mapping[str, int]
    ) -> None:
        """Add what a step did to the run's row, and move the chunk on to the key ``cursor``.

        ``items``: items done; ``seconds``: time spent; ``counts``: images by outcome. Call it in
        the transaction that stores the images. Raises TakenOver like :meth:`confirm`.
        """
        values: dict[str, Any] = {name: F(name) + count for name, count in counts.items()}
        owners = RunChunk.objects.filter(run=self.run).exclude(owner="")
        workers = owners.values("owner").distinct().count()
        done, last = chunk.done + items, cursor == chunk.upto
        values |= {"done": F("done") + items, "worked": F("worked") + seconds / max(1, workers)}
        if last:
            # The size was counted before the items were known.
            values["items"] = Greatest(F("items") + (done - chunk.size), 0)
        # The run's row first, as in claim(), or two transactions could wait for each other.
        running = Run.objects.filter(pk=self.run.pk, state=Run.State.RUNNING)
        updated = running.update(**values, heartbeat=timezone.now())
        if last:
            changed, _rows = self.own(chunk).delete()
        else:
            moved = {"after": cursor, "done": done, "lost": 0, "heartbeat": timezone.now()}
            changed = self.own(chunk).update(**moved)
        if not (updated and changed):
            raise TakenOver

    def note(self, chunk: RunChunk, cursor: str, items: int) -> None:
        """Remember that :meth:`advance` was committed."""
        chunk.after, chunk.done = cursor, chunk.done + items
        if cursor == chunk.upto:
            self.forget(chunk)

    def forget(self, chunk: RunChunk) -> None:
        """Stop sending heartbeats for a chunk."""
        self.chunks.pop(chunk.pk, None)
        _held.discard(chunk.pk)

    def beat(self) -> None:
        """Update the heartbeats of the chunks."""
        for chunk in list(self.chunks.values()):
            self.own(chunk).update(heartbeat=timezone.now())

    def lost(self) -> bool:
        """Return whether another process has claimed a chunk of this one, or finished the run."""
        return not all(self.own(chunk).exists() for chunk in self.chunks.values())

    def release(self) -> None:
        """Let other processes claim what is left of the chunks."""
        for chunk in list(self.chunks.values()):
            self.own(chunk).update(owner="")
            self.forget(chunk)

    def abandon(self) -> None:
        """Forget the chunks, as if the process had died."""
        for chunk in list(self.chunks.values()):
            self.forget(chunk)


def left_over(run: Run) -> RunChunk | None:
    """Return a chunk that was released, or whose process died or stopped working on it."""
    for chunk in RunChunk.objects.filter(run=run).order_by("pk"):
        own = chunk.owner == this_process()
        if (own and chunk.pk not in _held) or not chunk.is_held:
            return chunk
    return None


def next_chunk(run: Run) -> RunChunk | None:
    """Divide the next items off a run whose row is locked; return None if all are divided off."""
    parts, chunk = scopes.PARTS[run.scope], None
    while run.part <= len(parts) and chunk is None:
        gone = parts[run.part - 1] == scopes.GONE
        most = MOST_GONE if gone else min(max(LEAST, run.items // 100), MOST)
        keys = scopes.list_keys(run, run.part, run.cursor, limit=most)
        if keys:
            size = 0 if gone else len(keys)
            chunk = RunChunk(run=run, part=run.part, after=run.cursor, upto=keys[-1], size=size)
            run.cursor = keys[-1]
        else:
            run.part, run.cursor = run.part + 1, ""
        run.save(update_fields=["part", "cursor"])
    return chunk


def all_done(run: Run) -> bool:
    """Return whether all items of a run are done; its row is locked."""
    divided = run.part > len(scopes.PARTS[run.scope])
    return divided and not RunChunk.objects.filter(run=run).exists()


def has_work(run: Run) -> bool:
    """Return whether a run that is being encoded has items that no process works on."""
    if run.state != Run.State.RUNNING or run.stage != Run.Stage.ENCODING:
        return False
    divided = run.part > len(scopes.PARTS[run.scope])
    rows = RunChunk.objects.filter(run=run)
    return not divided or not all(chunk.is_held for chunk in rows)


def nobody_works(run: Run) -> bool:
    """Return whether no process holds a chunk of the run now."""
    return not any_held(RunChunk.objects.filter(run=run))
