"""A trial search with a photo for the shop's staff: its stages, classes and scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.utils.translation import gettext_lazy as _

from ..exceptions import VisualSearchError
from ..models import IndexVersion, RankingRule
from ..search.requests import DEFAULT_LIMIT, SearchRequest
from ..search.results import SearchResult
from ..search.rules import Effects, class_in_photo, effects_for
from ..search_queue import dispatch
from ..web.refusals import staff_message
from . import product_links
from .categories import category_names
from .number_formats import milliseconds, number, percent

State = IndexVersion.State
SEARCHABLE = (State.ACTIVE, State.READY, State.RETIRED)
STAGES = {
    "decode": _("read the photo"),
    "encode": _("encode the photo"),
    "index": _("search the index"),
    "products": _("fetch the products"),
}


class TrialForm(forms.Form):
    """A form for a trial search: a photo, one or two index versions, and how many products."""

    image = forms.FileField(label=_("Photo"), widget=forms.FileInput(attrs={"accept": "image/*"}))
    version = forms.ModelChoiceField(
        label=_("Version"), queryset=IndexVersion.objects.none(), empty_label=None
    )
    other = forms.ModelChoiceField(
        label=_("Compare with"),
        queryset=IndexVersion.objects.none(),
        required=False,
        empty_label=_("no other version"),
    )
    category = forms.ChoiceField(label=_("Category"), required=False)
    limit = forms.IntegerField(
        label=_("Products"), min_value=1, max_value=100, initial=DEFAULT_LIMIT
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        kept = IndexVersion.objects.filter(state__in=SEARCHABLE)
        for name in ("version", "other"):
            choice: Any = self.fields[name]
            choice.queryset = kept
            choice.label_from_instance = name_of
        named = [(value, name) for name, value in category_names().items()]
        if named:
            self.fields["category"].choices = [("", _("any category")), *named]  # type: ignore[attr-defined]
        else:
            del self.fields["category"]
        self.fields["version"].initial = kept.filter(state=State.ACTIVE).first() or kept.first()

    def chosen(self) -> list[IndexVersion]:
        """Return the selected version, and the one selected to compare it with if it differs."""
        first, second = self.cleaned_data["version"], self.cleaned_data["other"]
        return [first] if second in (None, first) else [first, second]


def name_of(version: IndexVersion) -> str:
    """Return the label of a version in choice lists."""
    return f"{version} – {version.encoder}"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A labelled bar with a text; ``percent`` is its length, 0…100."""

    label: Any
    text: str
    percent: int


@dataclass(frozen=True, kw_only=True)
class Column:
    """The results of a trial search in one version.

    ``error``: why the search failed, "" if it succeeded; ``result``: None if the search failed.
    """

    version: IndexVersion
    error: str = ""
    result: SearchResult | None = None
    predictions: list[Bar]
    stages: list[Bar]
    hits: list[dict[str, Any]]


def search(
    site: AdminSite,
    version: IndexVersion,
    photo: dispatch.DecodedPhoto,
    limit: int,
    category: str = "",
) -> Column:
    """Search one version with a photo; return at most ``limit`` results, or the error.

    ``category``: value of the category filter, "" for none. No query is stored, since no customer
    made it.
    """
    pinned = None if version.state == State.ACTIVE else version.pk
    filters = {"category": category} if category else {}
    request = SearchRequest(limit=limit, version=pinned, filters=filters, remember=False)
    try:
        result = dispatch.search(photo, request)
    except VisualSearchError as error:
        return Column(
            version=version, error=staff_message(error), predictions=[], stages=[], hits=[]
        )
    return Column(
        version=version,
        result=result,
        predictions=[
            Bar(
                label=each.label,
                text=f"{number(100 * each.probability, 1)}\xa0%",
                percent=percent(each.probability),
            )
            for each in result.predictions
        ],
        stages=stages(result),
        hits=hits(site, result, rules_on(result)),
    )


def rules_on(result: SearchResult) -> Effects | None:
    """Return the effects of the ranking rules on a customer of the shop's own pages."""
    return effects_for(
        category=result.category,
        label=class_in_photo(result.predictions),
        storefront=None,
        experiment=None,
        variant="",
    )


def stages(result: SearchResult) -> list[Bar]:
    """Return the milliseconds of each stage as bars, the total last."""
    total = result.took_ms["total"]
    bars = [
        Bar(label=label, text=milliseconds(spent), percent=percent(spent, total))
        for name, label in STAGES.items()
        if (spent := result.took_ms.get(name)) is not None
    ]
    return [*bars, Bar(label=_("total"), text=milliseconds(total), percent=100)]


def hits(
    site: AdminSite, result: SearchResult, effects: Effects | None = None
) -> list[dict[str, Any]]:
    """Return the hits as dicts.

    Keys: ``product``, ``image`` (URL), ``score`` (text), ``percent``, and ``rules``: the ranking
    rules because of which the hit stands where it stands.
    """
    products = product_links.products(site, [hit.item for hit in result.hits])
    acting = {each.rule.pk: each.rule for each in effects.acting} if effects else {}
    return [
        {
            "product": products[hit.item],
            "image": hit.image,
            "score": number(hit.score, 3),
            "percent": percent(hit.score),
            "rules": [why(acting[pk]) for pk in effects.of(hit.item).rules] if effects else [],
        }
        for hit in result.hits
    ]


def why(rule: RankingRule) -> dict[str, Any]:
    """Return a rule's primary key (``pk``), name and what it does (``text``)."""
    text = rule.get_action_display()
    if rule.boost:
        text += f" (+{number(rule.boost, 2)})"
    return {"pk": rule.pk, "name": rule.name, "text": text}
