"""The findings of the last check of each catalog."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .primary import MAX_KEY, MAX_NAME, CatalogModel


class CatalogCheck(CatalogModel):
    """The last check of a catalog; at most one row per catalog.

    ``finished``: None while it runs; ``heartbeat``: when it last worked.
    """

    started = models.DateTimeField(_("started"), default=timezone.now)
    heartbeat = models.DateTimeField(_("last heartbeat"), default=timezone.now)
    finished = models.DateTimeField(_("finished"), null=True)
    products = models.PositiveIntegerField(_("products"), default=0)
    error = models.CharField(_("error"), max_length=300, blank=True)

    class Meta(CatalogModel.Meta):
        verbose_name = _("check of the catalog")
        verbose_name_plural = _("checks of the catalog")
        constraints = [
            models.UniqueConstraint(fields=["catalog"], name="one_check_of_a_catalog"),
        ]

    def __str__(self) -> str:
        return str(self.started)


class Finding(CatalogModel):
    """Something about a product that a person should look at.

    ``image``: name of the picture, "" if it is about no picture. ``other``: key of the product that
    it is compared with. ``expected`` and ``seen``: what the catalog says, and what the picture
    shows. ``confidence``: 0…1. ``accepted``: whether a suggested tag was accepted; such a row
    outlives the next check, so that the tag is not suggested again.
    """

    class Kind(models.TextChoices):
        DUPLICATE = "duplicate", _("nearly the same picture as another product")
        BLANK = "blank", _("blank picture")
        TINY = "tiny", _("very small picture")
        NO_PICTURE = "no_picture", _("no picture")
        CLASS = "class", _("the picture shows another class than the category")
        COLOUR = "colour", _("the picture shows another colour")
        NEVER_SHOWN = "never_shown", _("no search ever showed it")
        TAGS = "tags", _("suggested tag")

    kind = models.CharField(_("kind"), max_length=15, choices=Kind.choices)
    item = models.CharField(_("product"), max_length=MAX_KEY)
    image = models.CharField(_("image"), max_length=MAX_NAME, blank=True)
    other = models.CharField(_("other product"), max_length=MAX_KEY, blank=True)
    tag = models.CharField(_("tag"), max_length=20, blank=True)
    expected = models.CharField(_("in the catalog"), max_length=200, blank=True)
    seen = models.CharField(_("in the picture"), max_length=200, blank=True)
    confidence = models.FloatField(_("confidence"), null=True)
    accepted = models.BooleanField(default=False)

    class Meta(CatalogModel.Meta):
        verbose_name = _("finding")
        verbose_name_plural = _("findings")
        indexes = [models.Index(fields=["catalog", "kind"], name="finding_kind")]

    def __str__(self) -> str:
        return f"{self.item}: {self.get_kind_display()}"
