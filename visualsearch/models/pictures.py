"""Pictures that many products share, such as “no image yet”."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .primary import MAX_NAME, CatalogModel


class RepeatedPicture(CatalogModel):
    """A file that so many products share that it is taken for a placeholder.

    The rows of its copies have ``left_out`` set, so that searches do not find them, unless a person
    decides that the picture is ``wanted``. ``items``: number of products when it was found.
    """

    content_hash = models.CharField(_("content hash"), max_length=64)
    image = models.CharField(_("image"), max_length=MAX_NAME)
    items = models.PositiveIntegerField(_("products"))
    wanted = models.BooleanField(_("searched"), default=False)
    found = models.DateTimeField(_("found"), default=timezone.now)

    class Meta(CatalogModel.Meta):
        ordering = ["-items", "pk"]
        verbose_name = _("repeated picture")
        verbose_name_plural = _("repeated pictures")
        constraints = [
            models.UniqueConstraint(
                fields=["catalog", "content_hash"], name="one_row_per_repeated_picture"
            ),
        ]

    def __str__(self) -> str:
        return self.image
