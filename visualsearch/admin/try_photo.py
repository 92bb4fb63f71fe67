"""A trial search with a photo for the shop's staff: its stages, classes and scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ..class_names import class_name
from ..exceptions import VisualSearchError
from ..models import IndexVersion, RankingRule
from ..search.requests import DEFAULT_LIMIT, SearchRequest
from ..search.results import ALIKE, RULE, WORDS, Reason, SearchResult
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
    "words": _("understand the words"),
    "index": _("search the index"),
    "products": _("fetch the products"),
}


class TrialForm(forms.Form):
    """A form for a trial search: a photo, one or two index versions, and how many products."""

    image = forms.FileField(label=_("Photo"), widget=forms.FileInput(attrs={"accept": "image/*"}))
    words = forms.CharField(
        label=_("Words"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"placeholder": _("for example: in navy")}),
    )
    category = forms.ChoiceField(label=_("Category"), required=False)
    limit = forms.IntegerField(
        label=_("Products"), min_value=1, max_value=100, initial=DEFAULT_LIMIT
    )
    version = forms.ModelChoiceField(
        label=_("Version"), queryset=IndexVersion.objects.none(), empty_label=None
    )
    other = forms.ModelChoiceField(
        label=_("Compare with"),
        queryset=IndexVersion.objects.none(),
        required=False,
        empty_label=_("no other version"),
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
    ``words`` and ``unknown``: the words that were understood, and those that describe no product.
    """

    version: IndexVersion
    error: str = ""
    result: SearchResult | None = None
    predictions: list[Bar]
    stages: list[Bar]
    hits: list[dict[str, Any]]
    words: str = ""
    unknown: str = ""


def search(
    site: AdminSite, version: IndexVersion, photo: dispatch.DecodedPhoto, fields: dict[str, Any]
) -> Column:
    """Search one version with a photo; return the results, or the error.

    ``fields``: those of a valid TrialForm. No query is stored, since no customer made it.
    """
    category = fields.get("category")
    request = SearchRequest(
        limit=fields["limit"],
        version=None if version.state == State.ACTIVE else version.pk,
        filters={"category": category} if category else {},
        words=fields["words"],
        remember=False,
    )
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
                label=class_name(each.label),
                text=f"{number(100 * each.probability, 1)}\xa0%",
                percent=percent(each.probability),
            )
            for each in result.predictions
        ],
        stages=stages(result),
        hits=hits(site, result),
        words=", ".join(word for word, understood in result.words.items() if understood),
        unknown=", ".join(word for word, understood in result.words.items() if not understood),
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


def hits(site: AdminSite, result: SearchResult) -> list[dict[str, Any]]:
    """Return the hits as dicts.

    Keys: ``product``, ``image`` (URL), ``score`` (text), ``percent``, and why the hit stands where
    it stands: ``reasons`` (texts), and ``rules``, the ranking rules that act on it.
    """
    products = product_links.products(site, [hit.item for hit in result.hits])
    numbers = {each.number for hit in result.hits for each in hit.reasons if each.kind == RULE}
    rules = RankingRule.objects.in_bulk(numbers) if numbers else {}
    return [
        {
            "product": products[hit.item],
            "image": hit.image,
            "score": number(hit.score, 3),
            "percent": percent(hit.score),
            "reasons": [text for each in hit.reasons if (text := reason_text(each))],
            "rules": [
                rule_text(rules[each.number])
                for each in hit.reasons
                if each.kind == RULE and each.number in rules
            ],
        }
        for hit in result.hits
    ]


def reason_text(reason: Reason) -> str:
    """Return a reason that is no rule in words, "" for a rule."""
    if reason.kind == ALIKE:
        return gettext("Number %(rank)s by likeness") % {"rank": reason.number}
    if reason.kind == WORDS:
        found = reason.number
        return ngettext("%(n)s word describes it", "%(n)s words describe it", found) % {"n": found}
    return ""


def rule_text(rule: RankingRule) -> dict[str, Any]:
    """Return a rule's primary key (``pk``), name and what it does (``text``)."""
    text = rule.get_action_display()
    if rule.boost:
        text += f" (+{number(rule.boost, 2)})"
    return {"pk": rule.pk, "name": rule.name, "text": text}
