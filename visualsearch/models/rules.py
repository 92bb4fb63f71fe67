"""Ranking rules: a merchandiser's hand on the order of results, and the history of changes."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .experiments import Experiment
from .primary import MAX_KEY, CatalogModel, atomic
from .storefronts import Storefront

# Most products that one rule names by key; a filter may select any number.
MAX_PRODUCTS = 1000
# Length of the text of a filter, and of the value of a category.
MAX_FILTER = 1000


class RulesRevision(CatalogModel):
    """A number that changes with every change of a catalog's rules, in one row per catalog.

    A search reads it together with its index version, and so notices a changed rule at once. It is
    random, so that no number returns with other rules after a rollback.
    """

    value = models.PositiveBigIntegerField()

    class Meta(CatalogModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["catalog"], name="one_rules_revision"),
        ]

    def __str__(self) -> str:
        return str(self.value)

    @classmethod
    def change(cls, catalog: str) -> None:
        """Choose another number, in the transaction that changes the rules."""
        value = secrets.randbelow(2**63 - 1) + 1
        cls.everywhere.update_or_create(catalog=catalog, defaults={"value": value})

    @classmethod
    def current(cls) -> int:
        """Return the current catalog's number; 0 if it never had a rule."""
        return cls.objects.values_list("value", flat=True).first() or 0


class RankingRule(CatalogModel):
    """A rule that moves or hides some products in some searches.

    It acts if all its conditions hold: ``category`` is the category filter of the search, ``label``
    the predicted class, ``storefront`` the client's, the time is between ``starts`` and ``ends``,
    and the visitor is in the treatment of ``experiment``. Empty conditions always hold.
    """

    class Action(models.TextChoices):
        PIN = "pin", _("Show first")
        BOOST = "boost", _("Show earlier")
        BURY = "bury", _("Show later")
        HIDE = "hide", _("Never show")

    class Products(models.TextChoices):
        CHOSEN = "chosen", _("Products that I choose")
        FILTER = "filter", _("All products that match a filter")
        OUT_OF_STOCK = "out_of_stock", _("All products that are out of stock")

    class Strength(models.IntegerChoices):
        LITTLE = 2, _("a little")
        CLEARLY = 5, _("clearly")
        STRONGLY = 15, _("strongly")

    name = models.CharField(_("name"), max_length=100)
    active = models.BooleanField(_("switched on"), default=True)
    action = models.CharField(_("what to do"), max_length=10, choices=Action.choices)
    strength = models.PositiveSmallIntegerField(
        _("how much earlier"),
        choices=Strength.choices,
        default=Strength.CLEARLY,
        help_text=_("Products that look more alike by a wide margin still come first."),
    )
    selection = models.CharField(
        _("which products"), max_length=15, choices=Products.choices, default=Products.CHOSEN
    )
    keys = models.JSONField(_("products"), default=list, blank=True)
    filters = models.CharField(_("filter"), max_length=MAX_FILTER, blank=True)
    category = models.CharField(_("category"), max_length=200, blank=True)
    label = models.CharField(_("class in the photo"), max_length=100, blank=True)
    # A rule without its storefront or experiment would act on everybody, so it goes with them.
    storefront = models.ForeignKey(
        Storefront, models.CASCADE, null=True, blank=True, verbose_name=_("storefront")
    )
    starts = models.DateTimeField(_("from"), null=True, blank=True)
    ends = models.DateTimeField(_("until"), null=True, blank=True)
    experiment = models.ForeignKey(
        Experiment, models.CASCADE, null=True, blank=True, verbose_name=_("experiment")
    )
    created = models.DateTimeField(_("created"), auto_now_add=True)
    changed = models.DateTimeField(_("changed"), auto_now=True)

    class Meta(CatalogModel.Meta):
        ordering = ["-pk"]
        verbose_name = _("ranking rule")
        verbose_name_plural = _("ranking rules")

    def __str__(self) -> str:
        return self.name

    @property
    def boost(self) -> float:
        """What the rule adds to a product's similarity (cosine, -1…1) when placing it."""
        return self.strength / 100 if self.action == self.Action.BOOST else 0.0

    def is_due(self, moment: datetime) -> bool:
        """Return whether ``moment`` is in the rule's period."""
        begun = self.starts is None or self.starts <= moment
        return begun and (self.ends is None or moment < self.ends)

    def save(self, *args: Any, **kwargs: Any) -> None:
        with atomic():
            super().save(*args, **kwargs)
            RulesRevision.change(self.catalog)


class RuleChange(CatalogModel):
    """One change of a rule: who made it, when, and the values before and after.

    ``rule``: the rule's primary key, which outlives the rule. ``before`` and ``after``: values by
    field as JSON, of the changed fields only; ``before`` is None of a new rule, ``after`` of a
    deleted one.
    """

    rule = models.PositiveBigIntegerField(db_index=True)
    name = models.CharField(max_length=100)
    user = models.CharField(_("user"), max_length=MAX_KEY, blank=True)
    moment = models.DateTimeField(_("time"), auto_now_add=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    undone = models.BooleanField(default=False)

    class Meta(CatalogModel.Meta):
        ordering = ["-pk"]
        verbose_name = _("change of a ranking rule")
        verbose_name_plural = _("changes of ranking rules")
        constraints = [
            models.CheckConstraint(
                condition=Q(before__isnull=False) | Q(after__isnull=False),
                name="change_of_a_rule_is_not_empty",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.moment}"


def tell_of_deletion(instance: RankingRule, **kwargs: object) -> None:
    """Count a deletion as a change; Django calls this for rows of querysets and cascades, too."""
    RulesRevision.change(instance.catalog)


models.signals.post_delete.connect(
    tell_of_deletion, sender=RankingRule, dispatch_uid="visualsearch.tell_of_deletion"
)
