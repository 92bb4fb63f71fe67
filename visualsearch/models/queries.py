"""Records of searches by photo: figures, events, and photos stored with consent."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .. import conf
from .experiments import Experiment
from .primary import MAX_KEY, CatalogModel, PrimaryModel
from .storefronts import Storefront


class Query(CatalogModel):
    """One search by photo, stored as numbers without the photo.

    ``vector`` and ``cells`` are erased after ``QUERY_LIFETIME``, the row after
    ``FIGURES_LIFETIME``. ``colour``: a key of :data:`visualsearch.photos.colour_names.WORDS`, "" if
    unknown. ``words``: None unless ``KEEP_WORDS``.
    """

    class Variant(models.TextChoices):
        CONTROL = "control", _("control")
        TREATMENT = "treatment", _("treatment")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created = models.DateTimeField(_("created"), auto_now_add=True, db_index=True)
    storefront = models.ForeignKey(
        Storefront, models.SET_NULL, null=True, blank=True, verbose_name=_("storefront")
    )
    visitor = models.CharField(_("visitor"), max_length=32, blank=True, db_index=True)
    encoder = models.CharField(_("encoder"), max_length=120)
    index_version = models.PositiveBigIntegerField(_("index version"), null=True)
    experiment = models.ForeignKey(
        Experiment, models.SET_NULL, null=True, blank=True, verbose_name=_("experiment")
    )
    variant = models.CharField(_("variant"), max_length=10, choices=Variant.choices, blank=True)
    # The embedding that was searched by, and the cells of the whole photo. Both are empty once
    # expired.
    vector = models.BinaryField(_("vector"))
    cells = models.BinaryField(_("cells"), default=b"")
    expires = models.DateTimeField(_("expires"), null=True, db_index=True)
    crop = models.JSONField(_("crop"), null=True)
    subject = models.JSONField(_("subject"), null=True)
    predictions = models.JSONField(_("predictions"), default=list)
    objects_found = models.JSONField(
        _("objects"),
        null=True,
        blank=True,
        help_text=_("The things in a photo of several."),
    )
    # Processes of the release before write rows, too, hence null and a default of the database.
    colour = models.CharField(_("colour"), max_length=10, blank=True, default="", db_default="")
    words = models.JSONField(
        _("words"),
        null=True,
        blank=True,
        help_text=_("The customer's words, and whether each described a product."),
    )
    best_score = models.FloatField(_("best score"), null=True)
    matched = models.BooleanField(_("matched"), default=False)
    took_ms = models.JSONField(_("time by stage"), default=dict)
    warnings = models.JSONField(_("warnings"), default=list)
    shown = models.JSONField(
        _("results shown"), default=dict, help_text=_("Rank of each product, from 1.")
    )
    rules = models.JSONField(
        _("ranking rules"),
        null=True,
        blank=True,
        help_text=_("Keys of the shown products that each rule acted on, by the rule's number."),
    )

    class Meta(CatalogModel.Meta):
        verbose_name = _("query")
        verbose_name_plural = _("queries")

    def __str__(self) -> str:
        return str(self.pk)

    @classmethod
    def forget_expired(cls, at_most: int | None = None) -> int:
        """Erase ``vector`` and ``cells`` of the expired searches in all catalogs; return how many.

        A vector stays as long as its kept photo, so that staff can see photos by likeness. Also
        deletes all expired photos, and the searches and refusals that are older than
        ``FIGURES_LIFETIME``. ``at_most``: limit on these deleted searches, and again on the
        refusals; None for no limit.
        """
        now = timezone.now()
        KeptPhoto.objects.filter(expires__lte=now).delete()
        oldest = now - timedelta(seconds=conf.get("FIGURES_LIFETIME"))
        kinds: tuple[type[CatalogModel], ...] = (cls, Refusal)
        for kind in kinds:
            rows = kind.everywhere.filter(created__lt=oldest)
            kind.everywhere.filter(pk__in=rows.values("pk")[:at_most]).delete()
        over = cls.everywhere.filter(expires__lte=now)
        kept = KeptPhoto.objects.values("pk")
        over.filter(pk__in=kept).exclude(cells=b"").update(cells=b"")
        return over.exclude(pk__in=kept).update(vector=b"", cells=b"", expires=None)

    @classmethod
    def erase(cls, **which: Any) -> int:
        """Delete the queries of all catalogs that match, with their events and photos.

        ``which``: lookups of ``filter()``; without any, all queries are deleted. Returns their
        number.
        """
        queries = cls.everywhere.filter(**which)
        KeptPhoto.objects.filter(pk__in=queries.values("pk")).delete()
        return queries.delete()[1].get("visualsearch.Query", 0)


class Event(CatalogModel):
    """A customer's action on a product that a search had shown; a repeated action counts once."""

    class Kind(models.TextChoices):
        VIEW = "view", _("view")
        CLICK = "click", _("click")
        BASKET = "basket", _("basket")
        PURCHASE = "purchase", _("purchase")

    query = models.ForeignKey(Query, models.CASCADE, related_name="events", verbose_name=_("query"))
    kind = models.CharField(_("event"), max_length=10, choices=Kind.choices)
    item = models.CharField(_("product"), max_length=MAX_KEY)
    rank = models.PositiveIntegerField(
        _("rank"), help_text=_("Rank at which the product was shown, from 1.")
    )
    created = models.DateTimeField(_("created"), auto_now_add=True, db_index=True)

    class Meta(CatalogModel.Meta):
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [
            models.UniqueConstraint(fields=["query", "kind", "item"], name="one_event_of_a_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.item}"


class Refusal(CatalogModel):
    """A photo that could not be used for a search; the error's code is stored, not the photo."""

    created = models.DateTimeField(_("created"), auto_now_add=True, db_index=True)
    code = models.CharField(_("code"), max_length=40)
    storefront = models.ForeignKey(
        Storefront, models.SET_NULL, null=True, blank=True, verbose_name=_("storefront")
    )
    experiment = models.ForeignKey(
        Experiment, models.SET_NULL, null=True, blank=True, verbose_name=_("experiment")
    )
    variant = models.CharField(
        _("variant"), max_length=10, choices=Query.Variant.choices, blank=True
    )

    class Meta(CatalogModel.Meta):
        verbose_name = _("refusal")
        verbose_name_plural = _("refusals")

    def __str__(self) -> str:
        return self.code


class KeptPhoto(PrimaryModel):
    """A photo stored with its sender's consent: small, without metadata, for a limited time."""

    query_id = models.UUIDField(_("query"), primary_key=True)
    jpeg = models.BinaryField(_("photo"))
    expires = models.DateTimeField(_("expires"), db_index=True)

    class Meta(PrimaryModel.Meta):
        verbose_name = _("kept photo")
        verbose_name_plural = _("kept photos")

    def __str__(self) -> str:
        return str(self.query_id)
