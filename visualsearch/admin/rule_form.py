"""The form of a ranking rule: choices in words, days in place of times, the shop's own filters."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..analytics.local_time import local, start_of
from ..catalogs import catalog
from ..class_names import NAMES, class_name
from ..models import Experiment, Query, RankingRule, Storefront
from ..models.rules import MAX_FILTER, MAX_PRODUCTS
from .categories import category_names
from .rule_words import Action, Products, filter_text

FILTER = "filter"
# Newest searches whose predicted classes are offered, besides the shipped model's.
SEARCHES = 200
DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class RuleForm(forms.ModelForm):
    """The form of a rule; :attr:`filter_form` holds the shop's filters."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("For your colleagues. Leave it empty to get one by itself."),
    )
    action = forms.ChoiceField(
        label=gettext_lazy("What to do"), choices=Action.choices, widget=forms.RadioSelect
    )
    strength = forms.TypedChoiceField(
        label=gettext_lazy("How much earlier"),
        choices=RankingRule.Strength.choices,
        coerce=int,
        initial=RankingRule.Strength.CLEARLY,
        required=False,
        empty_value=str(RankingRule.Strength.CLEARLY.value),
    )
    selection = forms.ChoiceField(
        label=gettext_lazy("Which products"),
        choices=Products.choices,
        widget=forms.RadioSelect,
        initial=Products.CHOSEN,
    )
    products = forms.CharField(
        label=gettext_lazy("Products"),
        required=False,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("One key per line; “Show first” keeps this order."),
    )
    category = forms.CharField(
        label=gettext_lazy("Only in the category"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Acts once the customer has chosen this category."),
        widget=forms.TextInput(
            attrs={"list": "vs-categories", "placeholder": gettext_lazy("any category")}
        ),
    )
    label = forms.ChoiceField(
        label=gettext_lazy("Only if the photo shows"),
        required=False,
        help_text=gettext_lazy("By what the model sees in it."),
    )
    storefront = forms.ModelChoiceField(
        label=gettext_lazy("Storefront"),
        queryset=Storefront.objects.none(),
        required=False,
        empty_label=gettext_lazy("everywhere"),
    )
    experiment = forms.ModelChoiceField(
        label=gettext_lazy("Only for the treatment of the experiment"),
        queryset=Experiment.objects.none(),
        required=False,
        empty_label=gettext_lazy("no experiment: for all visitors"),
    )
    first = forms.DateField(
        label=gettext_lazy("First day"),
        required=False,
        widget=DAY,
        help_text=gettext_lazy("Empty: from now on."),
    )
    last = forms.DateField(
        label=gettext_lazy("Last day"),
        required=False,
        widget=DAY,
        help_text=gettext_lazy("Empty: without end."),
    )
    active = forms.BooleanField(label=gettext_lazy("Switched on"), required=False, initial=True)

    class Meta:
        model = RankingRule
        fields = (
            *("name", "action", "strength", "selection", "category", "label"),
            *("storefront", "experiment", "active"),
        )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        rule, fields = self.instance, self.fields
        self.filter_form = filter_form(self.data if self.is_bound else None, rule.filters)
        fields["label"].choices = label_choices(rule.label)  # type: ignore[attr-defined]
        fields["storefront"].queryset = Storefront.objects.all()  # type: ignore[attr-defined]
        running = Experiment.objects.filter(running=True)
        own = Experiment.objects.filter(pk=rule.experiment_id)
        fields["experiment"].queryset = running | own  # type: ignore[attr-defined]
        fields["selection"].choices = [  # type: ignore[attr-defined]
            choice for choice in Products.choices if can_select(choice[0], rule)
        ]
        self.initial.update(
            products="\n".join(rule.keys),
            first=rule.starts and local(rule.starts).date(),
            last=rule.ends and local(rule.ends - timedelta(seconds=1)).date(),
            category=rule.category and catalog().category_name(rule.category),
        )

    @cached_property
    def categories(self) -> dict[str, str]:
        """The shop's known categories: values of the filter, by the names to offer."""
        return category_names()

    def clean_category(self) -> str:
        """Return the value of a category by its name or value; refuse one without products."""
        text = self.cleaned_data["category"]
        if text == self.initial["category"]:
            return self.instance.category
        by_name = {name.casefold(): value for name, value in self.categories.items()}
        value = by_name.get(text.casefold(), text)
        if text and not has_products({"category": value}):
            raise ValidationError(
                _("No product is in the category “%(name)s”. Choose one from the list.")
                % {"name": text}
            )
        return value

    def clean_products(self) -> list[str]:
        """Return the keys, each once; refuse unknown ones, unless the rule had them before."""
        lines = self.cleaned_data["products"].splitlines()
        keys = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
        if len(keys) > MAX_PRODUCTS:
            raise ValidationError(
                _("A rule names at most %(most)s products. Use a filter for more.")
                % {"most": MAX_PRODUCTS}
            )
        known = catalog().keys_visible(keys) | set(self.instance.keys)
        unknown = [key for key in keys if key not in known]
        if unknown:
            raise ValidationError(
                _("No product on sale has the key %(keys)s. Search for the product by its name.")
                % {"keys": ", ".join(unknown[:5])}
            )
        return keys

    def clean(self) -> dict[str, Any]:
        """Check what belongs together: action and products, first and last day."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        action, selection = data.get("action"), data.get("selection")
        if action == Action.PIN and selection not in (None, Products.CHOSEN):
            self.add_error("selection", _("“Show first” needs products that you choose."))
        if selection == Products.OUT_OF_STOCK and action == Action.BOOST:
            self.add_error("action", _("Choose “Show later” or “Never show”."))
        if selection == Products.CHOSEN and not data.get("products", ["failed"]):
            self.add_error("products", _("Choose at least one product."))
        if selection == Products.FILTER:
            self.check_filter()
        first, last = data.get("first"), data.get("last")
        if first and last and last < first:
            self.add_error("last", _("The last day is before the first one."))
        return data

    def check_filter(self) -> None:
        """Refuse a filter that is empty, too long, or that the shop does not accept."""
        try:
            given = catalog().filterset(self.filter_values()) is not None
        except ValidationError as error:
            named = [f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items()]
            self.add_error("selection", ValidationError(named))
            return
        if not given:
            self.add_error("selection", _("Fill in at least one field of the filter."))
        if len(self.filter_query()) > MAX_FILTER:
            self.add_error("selection", _("The filter is too long. Use fewer values."))

    def filter_values(self) -> dict[str, list[str]]:
        """Return the filled-in fields of the shop's filters, as query parameters."""
        start = f"{FILTER}-"
        lists = self.data.lists() if isinstance(self.data, QueryDict) else []
        found = {
            name.removeprefix(start): [value.strip() for value in values if value.strip()]
            for name, values in lists
            if name.startswith(start)
        }
        return {name: values for name, values in found.items() if values}

    def still_needed(self) -> str:
        """Return what a posted form lacks because its user has not come to it yet, "" for nothing.

        The page shows this while a rule is made; :meth:`clean` refuses to save it.
        """
        selection = self.data.get("selection")
        if selection == Products.CHOSEN and not self.data.get("products", "").strip():
            return _("No product is chosen yet.")
        if selection == Products.FILTER and not self.filter_values():
            return _("Fill in a field to see which products match.")
        return ""

    def filter_query(self) -> str:
        """Return the filters as a query string."""
        return urlencode(self.filter_values(), doseq=True)

    def draft(self) -> RankingRule:
        """Return the rule that the valid form describes, without saving it."""
        rule, data = self.instance, self.cleaned_data
        chosen = data["selection"] == Products.CHOSEN
        rule.keys = data["products"] if chosen else []
        rule.filters = self.filter_query() if data["selection"] == Products.FILTER else ""
        first, last = data["first"], data["last"]
        rule.starts = start_of(first) if first else None
        rule.ends = start_of(last + timedelta(days=1)) if last else None
        rule.name = data["name"] or usual_name(rule)
        return rule

    def save(self, commit: bool = True) -> RankingRule:
        """Return the rule with all values; the admin saves it together with its history."""
        return self.draft()

    def save_m2m(self) -> None:
        """Do nothing: a rule has no many-to-many relations."""


def filter_form(data: Any, filters: str) -> forms.Form | None:
    """Return the shop's filters as a form with the prefix :data:`FILTER`, None without any.

    ``data``: what was posted, None to show the values of the query string ``filters``.
    """
    source = catalog()
    if source.filterset_class is None:
        return None
    if data is None:
        data = QueryDict(mutable=True)
        for name, values in QueryDict(filters).lists():
            data.setlist(f"{FILTER}-{name}", values)
    form: forms.Form = source.filterset_class(data, queryset=source.visible(), prefix=FILTER).form
    for field in form.fields.values():
        field.required = False
    return form


def can_select(kind: str, rule: RankingRule) -> bool:
    """Return whether the shop can tell these products, or the rule selects them already."""
    source = catalog()
    if kind == Products.FILTER:
        return source.filterset_class is not None or rule.selection == kind
    if kind == Products.OUT_OF_STOCK:
        return source.sold_out() is not None or rule.selection == kind
    return True


def has_products(params: dict[str, str]) -> bool:
    """Return whether any product passes the shop's filters; True if it has no such filter."""
    try:
        filterset = catalog().filterset(params)
    except ValidationError:
        return False
    return filterset is None or bool(filterset.qs.exists())


def label_choices(own: str) -> list[tuple[str, Any]]:
    """Return the classes to choose from: the shipped model's, recently predicted ones, ``own``."""
    newest = Query.objects.order_by("-created").values_list("predictions", flat=True)[:SEARCHES]
    labels = {each["label"] for predictions in newest for each in predictions}
    labels |= {*NAMES, own} - {""}
    named = sorted((class_name(label), label) for label in labels)
    return [("", _("anything")), *((label, name) for name, label in named)]


def usual_name(rule: RankingRule) -> str:
    """Return a name for a rule that got none: its product, its filter, or “Out of stock”."""
    if rule.selection == Products.OUT_OF_STOCK:
        return _("Out of stock")
    if rule.selection == Products.FILTER:
        return filter_text(rule.filters)[:100]
    items = catalog().by_key(rule.keys[:1])
    name = str(next(iter(items.values()), rule.keys[0]))
    return (f"{name} + {len(rule.keys) - 1}" if len(rule.keys) > 1 else name)[:100]
