"""CPU models, and how accurately each computes embeddings."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from .primary import PrimaryModel


class Processor(PrimaryModel):
    """The last comparison of a CPU model's embeddings with those that an encoder should compute.

    ``lowest_cosine``: lowest cosine of a computed embedding with the expected one;
    ``least_cosine``: lowest cosine that is accepted.
    """

    encoder = models.CharField(_("model"), max_length=200)
    name = models.CharField(_("processor"), max_length=200)
    runtime = models.CharField(_("runtime"), max_length=50)
    lowest_cosine = models.FloatField(_("lowest cosine"))
    least_cosine = models.FloatField(_("required cosine"))
    host = models.CharField(_("host"), max_length=200)
    checked = models.DateTimeField(_("checked"))

    class Meta(PrimaryModel.Meta):
        ordering = ["encoder", "name", "runtime"]
        verbose_name = _("processor")
        verbose_name_plural = _("processors")
        constraints = [
            models.UniqueConstraint(
                fields=["encoder", "name", "runtime"], name="visualsearch_one_processor"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def agrees(self) -> bool:
        """Whether the CPU's embeddings may be mixed with those of other CPUs."""
        return self.lowest_cosine >= self.least_cosine
