"""Ranking rules in words: what each does, to which products, when, and its state."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..analytics.local_time import local
from ..catalogs import catalog
from ..class_names import class_name
from ..models import Experiment, RankingRule, Storefront
from .number_formats import NOTHING, badge

Action, Products = RankingRule.Action, RankingRule.Products
COLOURS = {Action.PIN: "good", Action.BOOST: "good", Action.BURY: "warning", Action.HIDE: "bad"}
# Names of products are listed in a text up to this number.
NAMED = 3
FIELDS = {
    "name": gettext_lazy("name"),
    "active": gettext_lazy("switched on"),
    "action": gettext_lazy("what to do"),
    "strength": gettext_lazy("how much earlier"),
    "selection": gettext_lazy("which products"),
    "keys": gettext_lazy("products"),
    "filters": gettext_lazy("filter"),
    "category": gettext_lazy("category"),
    "label": gettext_lazy("class in the photo"),
    "storefront": gettext_lazy("storefront"),
    "starts": gettext_lazy("from"),
    "ends": gettext_lazy("until"),
    "experiment": gettext_lazy("experiment"),
}
"""The fields of a rule whose changes are recorded, with their labels."""


def action_badge(rule: RankingRule) -> SafeString:
    """Return what a rule does as a coloured badge."""
    return badge(COLOURS[Action(rule.action)], rule.get_action_display())


def products_text(rule: RankingRule) -> str:
    """Return which products a rule is about."""
    if rule.selection == Products.OUT_OF_STOCK:
        return _("all that are out of stock")
    if rule.selection == Products.FILTER:
        return filter_text(rule.filters)
    if len(rule.keys) <= NAMED:
        return ", ".join(rule.keys)
    count = len(rule.keys)
    return ngettext("%(count)s product", "%(count)s products", count) % {"count": count}


def filter_text(filters: str) -> str:
    """Return a query string of the shop's filters as text, such as “Colour: red”."""
    labels = filter_labels()
    parts = []
    for name, values in QueryDict(filters).lists():
        parts.append(f"{labels.get(name, name)}: {', '.join(values)}")
    return "; ".join(parts) or NOTHING


def filter_labels() -> Mapping[str, str]:
    """Return the labels of the fields of the shop's filter set, by name."""
    kind = catalog().filterset_class
    if kind is None:
        return {}
    fields = kind(QueryDict(), queryset=catalog().visible()).form.fields
    return {name: str(field.label or name) for name, field in fields.items()}


def when_text(rule: RankingRule) -> str:
    """Return the conditions of a rule but its period; “in every search” without any."""
    parts = []
    if rule.category:
        name = catalog().category_name(rule.category)
        parts.append(_("category: %(name)s") % {"name": name})
    if rule.label:
        parts.append(_("in the photo: %(name)s") % {"name": class_name(rule.label)})
    if rule.storefront is not None:
        parts.append(_("storefront: %(name)s") % {"name": rule.storefront.name})
    if rule.experiment is not None:
        parts.append(_("experiment: %(name)s") % {"name": rule.experiment.name})
    return "; ".join(parts) or _("in every search")


def first_day(moment: datetime | None) -> str:
    """Return the day on which a rule begins to act."""
    return day(moment) if moment else NOTHING


def last_day(moment: datetime | None) -> str:
    """Return the last day on which a rule acts that ends at ``moment``."""
    return day(moment - timedelta(seconds=1)) if moment else NOTHING


def day(moment: datetime) -> str:
    """Return the local date of a moment as text."""
    return date_format(local(moment), "SHORT_DATE_FORMAT")


def period_text(rule: RankingRule) -> str:
    """Return the days on which a rule acts."""
    if not (rule.starts or rule.ends):
        return _("without end")
    values = {"first": first_day(rule.starts), "last": last_day(rule.ends)}
    if rule.starts and rule.ends:
        return _("%(first)s to %(last)s") % values
    return (_("from %(first)s") if rule.starts else _("until %(last)s")) % values


def state_badge(rule: RankingRule) -> SafeString:
    """Return whether a rule acts now as a coloured badge."""
    now = timezone.now()
    if not rule.active:
        return badge("quiet", _("off"))
    if rule.ends and rule.ends <= now:
        return badge("quiet", _("ended"))
    if rule.starts and rule.starts > now:
        return badge("busy", _("scheduled"))
    if rule.experiment is not None and not rule.experiment.running:
        return badge("warning", _("experiment has ended"))
    return badge("good", _("on"))


def values_of(rule: RankingRule) -> dict[str, Any]:
    """Return the values of a rule as JSON, by the names in :data:`FIELDS`."""
    values: dict[str, Any] = {name: getattr(rule, name) for name in FIELDS}
    for name in ("storefront", "experiment"):
        values[name] = getattr(rule, f"{name}_id")
    for name in ("starts", "ends"):
        values[name] = values[name] and in_utc(values[name]).isoformat()
    return values


def in_utc(moment: datetime) -> datetime:
    """Return a moment in UTC, so that equal ones have one text; a naive one unchanged."""
    return moment.astimezone(UTC) if timezone.is_aware(moment) else moment


def value_text(name: str, value: Any) -> str:
    """Return the value of a field, as :func:`values_of` returns it, as text for a history."""
    if value in (None, "", []):
        return NOTHING
    if name == "active":
        return _("on") if value else _("off")
    if name in ("action", "selection", "strength"):
        choices = {"action": Action, "selection": Products, "strength": RankingRule.Strength}[name]
        return str(dict(choices.choices).get(value, value))
    if name == "keys":
        return ", ".join(value)
    if name == "filters":
        return filter_text(value)
    if name == "label":
        return class_name(value)
    if name == "category":
        return catalog().category_name(value)
    if name in ("starts", "ends"):
        return (first_day if name == "starts" else last_day)(datetime.fromisoformat(value))
    if name in ("storefront", "experiment"):
        kind: Any = Storefront if name == "storefront" else Experiment
        return str(kind.objects.filter(pk=value).first() or value)
    return str(value)
