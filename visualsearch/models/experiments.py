"""Experiments that compare two index versions, and the assignment of visitors to variants."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .index import IndexVersion
from .primary import CatalogModel

# The share of visitors at the start of a gradual experiment.
FIRST_SHARE = 0.01


def new_salt() -> str:
    """Return a random salt; it makes each experiment assign visitors independently."""
    return secrets.token_hex(8)


class Experiment(CatalogModel):
    """A comparison of two index versions: a share of visitors gets ``version``, the treatment.

    All others get the active version, the control. A visitor in the treatment stays in it while
    the share grows.
    """

    name = models.CharField(_("name"), max_length=100)
    version = models.ForeignKey(
        IndexVersion,
        models.SET_NULL,
        null=True,
        verbose_name=_("index version"),
        help_text=_("The treatment. The active version is the control."),
    )
    salt = models.CharField(max_length=32, default=new_salt, editable=False)
    share = models.FloatField(
        _("share"),
        default=0.5,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text=_("Share of visitors, from 0 to 1."),
    )
    ramp_hours = models.FloatField(
        _("ramp-up in hours"),
        default=24.0,
        validators=[MinValueValidator(0.0)],
        help_text=_("The share rises steadily from 1 %; 0 applies it at once."),
    )
    # The share grows from ``first_share``, beginning at ``ramp_started``. Both are set again
    # whenever its goal is changed.
    first_share = models.FloatField(default=FIRST_SHARE, editable=False)
    ramp_started = models.DateTimeField(default=timezone.now, editable=False)
    started = models.DateTimeField(_("started"), default=timezone.now)
    stopped = models.DateTimeField(_("stopped"), null=True, blank=True)
    # True while it runs, then NULL, because a unique column may hold many NULLs.
    running = models.BooleanField(_("running"), null=True, default=True, editable=False)

    class Meta(CatalogModel.Meta):
        ordering = ["-pk"]
        verbose_name = _("experiment")
        verbose_name_plural = _("experiments")
        constraints = [
            models.UniqueConstraint(
                fields=["catalog", "running"],
                condition=Q(running=True),
                name="one_running_experiment",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def share_at(self, moment: datetime) -> float:
        """Return the share of visitors in the treatment at ``moment``, 0…1.

        After a raise the share grows over ``ramp_hours``; after a cut the lower share applies at
        once.
        """
        hours = (moment - self.ramp_started).total_seconds() / 3600
        # Another machine's clock may be behind the start.
        if not self.ramp_hours or hours >= self.ramp_hours:
            return self.share
        first = min(self.first_share, self.share)
        return first + (self.share - first) * max(0.0, hours) / self.ramp_hours

    def go_on_from(self, share: float, moment: datetime) -> None:
        """Let the share grow from ``share``, beginning at ``moment``; does not save."""
        self.first_share, self.ramp_started = share, moment

    def has(self, visitor: str, moment: datetime) -> bool:
        """Return whether ``visitor`` (any stable text) is in the treatment at ``moment``."""
        return place_of(visitor, self.salt) < self.share_at(moment)

    def stop(self) -> None:
        """End the experiment and save it; all visitors get the active version again."""
        self.running, self.stopped = None, timezone.now()
        self.save(update_fields=["running", "stopped"])


def place_of(visitor: str, salt: str) -> float:
    """Return a hash of a visitor as a number in [0, 1), uniformly distributed over visitors."""
    found = hashlib.sha256(f"{salt}:{visitor}".encode()).digest()
    return int.from_bytes(found[:8], "big") / 2**64
