"""The panel and the action that this app adds to a shop's product admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ..catalogs import catalog
from ..models import Embedding, Run
from ..versions import lifecycle
from .images import state_of, thumbnail
from .number_formats import badge
from .start_run import ADD, start_and_tell

PANEL = "search_by_photo"


class SearchableAdmin(admin.ModelAdmin):
    """A base class for the admin of the catalog's model.

    A product's page gets a panel with the state of each image in the index and a link to similar
    products. The panel is last, or where the fieldsets name ``search_by_photo``. The list gets an
    action that reindexes products.
    """

    class Media:
        css = {"all": ["visualsearch/admin.css"]}
        js = ["visualsearch/admin.js"]

    @admin.display(description=_("images"))
    def search_by_photo(self, item: Model) -> SafeString:
        """Return the panel with the state of each image in the index."""
        source = catalog()
        key = source.key_of(item)
        active = lifecycle.active_version()
        rows = Embedding.objects.filter(item=key, encoder=active.encoder if active else "")
        known = {row.image: row for row in rows.defer("vector")}
        visible = key in source.by_key([key])
        names = dict.fromkeys(str(file.name) for file in source.files(item))
        pictures = [
            (name, thumbnail(name), picture_state(known.get(name), visible), known.get(name))
            for name in names
        ]
        site = self.admin_site.name
        similar = reverse("admin:visualsearch_similar", current_app=site)
        context = {"key": key, "visible": visible, "pictures": pictures, "similar_url": similar}
        text: SafeString = render_to_string("admin/visualsearch/_product.html", context)
        return text

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Return the shop's fields, and the panel if the product exists."""
        fields = [*super().get_readonly_fields(request, obj)]
        return fields if obj is None or PANEL in fields else [*fields, PANEL]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the shop's fields without the panel, which has a fieldset of its own."""
        fields = super().get_fields(request, obj)
        return [name for name in fields if name != PANEL]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the shop's fieldsets, and one for the panel."""
        fieldsets = [*super().get_fieldsets(request, obj)]
        if obj is None or PANEL in flatten_fieldsets(fieldsets):
            return fieldsets
        return [*fieldsets, (_("Search by photo"), {"fields": [PANEL]})]

    def __init__(self, model: type[Model], admin_site: admin.AdminSite):
        """Add the action ``reindex`` to the shop's own actions."""
        super().__init__(model, admin_site)
        if self.actions is not None:
            self.actions = [*self.actions, "reindex"]

    def has_reindex_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may start runs."""
        return request.user.has_perm(ADD)

    @admin.action(description=_("Reindex the selected products"), permissions=["reindex"])
    def reindex(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Start a run for the selected products."""
        source = catalog()
        start_and_tell(self, request, Run.Scope.CHOSEN, [source.key_of(item) for item in queryset])


def picture_state(row: Embedding | None, visible: bool) -> SafeString:
    """Return an image's state as a coloured badge, “hidden” unless its product is ``visible``."""
    if not visible:
        return badge("quiet", _("hidden"))
    return state_of(None if row and row.removed else row)
