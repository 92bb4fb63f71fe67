"""The last repair of each catalog's embeddings."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .primary import CatalogModel


class Repair(CatalogModel):
    """What the last repair found and mended; at most one row per catalog.

    ``items``: items whose images differed from their rows by name. ``hashed``: images whose content
    was compared with its hash, and ``overwritten``: those whose content had changed. ``failed``:
    images that could not be read.
    """

    finished = models.DateTimeField(_("finished"), default=timezone.now)
    items = models.PositiveIntegerField(_("items"), default=0)
    hashed = models.PositiveIntegerField(_("images compared"), default=0)
    overwritten = models.PositiveIntegerField(_("overwritten images"), default=0)
    failed = models.PositiveIntegerField(_("failed images"), default=0)

    class Meta(CatalogModel.Meta):
        verbose_name = _("repair")
        verbose_name_plural = _("repairs")
        constraints = [
            models.UniqueConstraint(fields=["catalog"], name="one_repair_of_a_catalog"),
        ]

    def __str__(self) -> str:
        return str(self.finished)
