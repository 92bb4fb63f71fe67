"""The parts of a run that index workers hold."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .. import conf
from .primary import PrimaryModel
from .process_names import process_has_ended


class RunChunk(PrimaryModel):
    """A range of keys of a run that a worker has claimed and not finished; finished ones are gone.

    ``part``: number of the part of the run's scope that the keys are listed by. ``after`` and
    ``upto``: the keys above the first, "" for none, and up to the second are left to do, in the
    order of the database. ``size``: items that the run's total counts for the chunk; ``done``:
    those done. ``owner``: name of the process that works on it, "" for none. ``claims``: how often
    it was claimed; whoever claims it may write until the number changes. ``lost``: how many owners
    in a row have died without progress.
    """

    run = models.ForeignKey("visualsearch.Run", models.CASCADE, related_name="chunks")
    part = models.PositiveSmallIntegerField()
    after = models.TextField(blank=True)
    upto = models.TextField()
    size = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    owner = models.CharField(max_length=300, blank=True)
    claims = models.PositiveIntegerField(default=0)
    lost = models.PositiveSmallIntegerField(default=0)
    heartbeat = models.DateTimeField(default=timezone.now)

    class Meta(PrimaryModel.Meta):
        verbose_name = _("chunk of a run")
        verbose_name_plural = _("chunks of runs")

    def __str__(self) -> str:
        return f"{self.run_id}: {self.after} … {self.upto}"

    @property
    def is_held(self) -> bool:
        """Whether a process works on the chunk, by its heartbeat and, on this machine, its id."""
        silent = self.heartbeat < timezone.now() - timedelta(seconds=conf.get("RUN_TIMEOUT"))
        return bool(self.owner) and not silent and not process_has_ended(self.owner)


def any_held(chunks: Iterable[RunChunk]) -> bool:
    """Return whether a process works on any of the chunks."""
    return any(chunk.is_held for chunk in chunks)
