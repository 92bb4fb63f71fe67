"""The page about searches in vain: what customers look for and the shop does not show them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from .. import conf
from ..analytics.local_time import today
from ..analytics.statistics import Share
from ..analytics.vain import (
    EITHER,
    MOST,
    UNCLICKED,
    UNMATCHED,
    Line,
    PhotoGroup,
    Vain,
    searches_in_vain,
)
from ..class_names import class_name
from ..exceptions import ModelUnavailable
from ..models import Storefront
from ..serving.version_encoders import active_encoder
from . import exports
from .base import ReadOnlyAdmin
from .colour_words import colour_name
from .insights import PERIODS, Choice
from .number_formats import NOTHING, number, percentage

SEE_PHOTO = "visualsearch.view_keptphoto"
REASONS = {
    EITHER: gettext_lazy("matched nothing or no click"),
    UNMATCHED: gettext_lazy("matched nothing"),
    UNCLICKED: gettext_lazy("no click"),
}
# Photos of a group that the page shows.
SHOWN = 6
# The threshold without a model, whose photos can then be grouped roughly.
USUAL_THRESHOLD = 0.5


class VainPages(ReadOnlyAdmin):
    """A base class that adds the page about searches in vain, and its CSV, to the admin of queries.

    They require permission to view queries; the photos, to view kept photos.
    """

    def vain_urls(self) -> list[URLPattern]:
        """Return the URLs of the page and its export, below those of queries."""
        wrap = self.admin_site.admin_view
        return [
            path("vain/", wrap(require_GET(self.vain)), name="visualsearch_vain"),
            path("vain.csv", wrap(require_GET(self.vain_csv)), name="visualsearch_vain_export"),
        ]

    def vain(self, request: HttpRequest) -> HttpResponse:
        """Show the searches in vain of the selected period."""
        self.may_look(request)
        choice, why = Choice.of(request), reason(request)
        found = searches_in_vain(choice.period(), why, match_threshold())
        return self.page(
            request,
            "vain.html",
            title=_("Searched in vain"),
            choice=choice,
            periods=[
                (name, choice.query(days=days, why=why), days == choice.days)
                for days, name in PERIODS.items()
            ],
            reasons=[
                (name, choice.query(why=value), value == why) for value, name in REASONS.items()
            ],
            why=why,
            storefronts=list(Storefront.objects.all()),
            query=choice.query(why=why),
            see_photos=request.user.has_perm(SEE_PHOTO),
            **page_of(found),
        )

    def vain_csv(self, request: HttpRequest) -> HttpResponseBase:
        """Return the figures of the selected period as CSV."""
        self.may_look(request)
        found = searches_in_vain(Choice.of(request).period(), reason(request), match_threshold())
        return exports.response(request, f"searched-in-vain-{today().isoformat()}", csv_rows(found))


def page_of(found: Vain) -> dict[str, Any]:
    """Return the template context of the figures, as text and lists of text."""
    return {
        "found": found,
        "share": percentage(Share(part=found.vain, whole=found.searches).value, 0),
        "groups": [group_of(each) for each in found.groups[:MOST]],
        "tables": [
            (_("Classes"), "class", [row(each) for each in found.classes[:MOST]]),
            (_("Colours"), "colour", [row(each) for each in found.colours[:MOST]]),
            (_("Classes and colours"), "both", [row(each) for each in found.pairs[:MOST]]),
        ],
        "words": [(word, number(count)) for word, count in found.words[: 2 * MOST]],
        "keeps_photos": bool(conf.get("KEEP_PHOTOS")),
        "keeps_words": conf.get("KEEP_WORDS"),
    }


def group_of(group: PhotoGroup) -> dict[str, Any]:
    """Return a group of photos: ``count``, ``name``, and the keys of some of its ``photos``."""
    return {
        "count": number(len(group.photos)),
        "name": kind_name(group.label, group.colour),
        "photos": group.photos[:SHOWN],
    }


def reason(request: HttpRequest) -> str:
    """Return what counts as a search in vain by the query string."""
    why = request.GET.get("why", "")
    return why if why in REASONS else EITHER


def match_threshold() -> float:
    """Return the match threshold of the active model, and a usual one if it cannot be loaded."""
    try:
        return active_encoder().match_threshold
    except ModelUnavailable:
        return USUAL_THRESHOLD


def kind_name(label: str | None, colour: str | None) -> str:
    """Return the name of a class, a colour or both in the reader's language."""
    if label is None and colour == "":
        return _("several or unknown")
    names = [class_name(label) if label else "", colour_name(colour) if colour else ""]
    return " · ".join(name for name in names if name) or _("unknown")


def row(line: Line) -> dict[str, str]:
    """Return a line of a table as text; ``none``: whether the shop sells nothing of the kind."""
    return {
        "name": kind_name(line.label, line.colour),
        "vain": number(line.vain),
        "searches": number(line.searches),
        "matched": percentage(line.matched / line.searches, 0),
        "products": NOTHING if line.products is None else number(line.products),
        "none": "1" if line.products == 0 else "",
    }


def csv_rows(found: Vain) -> Iterator[list[Any]]:
    """Yield the header, a row for each class, colour and pair of both, and one for each word.

    A class or colour that is not known is "unknown"; a cell is empty if it does not apply, or if
    the number of products is not known.
    """
    yield ["kind", "class", "colour", "word", "in_vain", "searches", "matched", "products"]
    tables = {"class": found.classes, "colour": found.colours, "class and colour": found.pairs}
    for kind, some in tables.items():
        for line in some:
            names = [
                "" if name is None else name or "unknown" for name in (line.label, line.colour)
            ]
            products = "" if line.products is None else line.products
            yield [kind, *names, "", line.vain, line.searches, line.matched, products]
    for word, count in found.words:
        yield ["word", "", "", word, count, "", "", ""]
