"""The base class of the app's model admins."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse


class ReadOnlyAdmin(admin.ModelAdmin):
    """A model admin that forbids adding, changing and deleting, unless a subclass allows it."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: only the app adds these rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: only the app changes these rows."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: the app itself deletes these rows."""
        return False

    def may_look(self, request: HttpRequest) -> None:
        """Raise PermissionDenied for users without permission to view these rows."""
        if not self.has_view_permission(request):
            raise PermissionDenied

    def found(self, pk: int) -> Any:
        """Return the row with this primary key; raise Http404 if there is none."""
        return get_object_or_404(self.model, pk=pk)

    def page(self, request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
        """Return the response of one of the app's own pages, in the layout of the admin site.

        ``template``: a file in ``admin/visualsearch/``.
        """
        # The tag ``{% url %}`` resolves names of the admin in this site.
        request.current_app = self.admin_site.name
        frame = self.admin_site.each_context(request)
        return TemplateResponse(
            request, f"admin/visualsearch/{template}", {**frame, "opts": self.opts, **context}
        )

    def url(self, name: str, *args: Any) -> str:
        """Return the URL of a page of this admin site; ``name``: URL name without ``admin:``."""
        return reverse(f"admin:{name}", args=args, current_app=self.admin_site.name)

    def url_of(self, row: Model) -> str:
        """Return the URL of a row's change page on this site."""
        return self.url(f"visualsearch_{row._meta.model_name}_change", row.pk)
