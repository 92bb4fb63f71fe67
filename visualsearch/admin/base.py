"""What the app's pages in the admin have in common."""

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
    """Rows that the app writes and people look at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds these by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody edits these by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes these by hand: they follow the catalog and the settings."""
        return False

    def may_look(self, request: HttpRequest) -> None:
        """Raise PermissionDenied for staff that may not see these rows."""
        if not self.has_view_permission(request):
            raise PermissionDenied

    def found(self, pk: int) -> Any:
        """The row, or 404."""
        return get_object_or_404(self.model, pk=pk)

    def page(self, request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
        """One of the app's own pages, in the frame of the admin site it is registered with."""
        # `{% url %}` looks there which site it is.
        request.current_app = self.admin_site.name
        frame = self.admin_site.each_context(request)
        return TemplateResponse(
            request, f"admin/visualsearch/{template}", {**frame, "opts": self.opts, **context}
        )

    def url(self, name: str, *args: Any) -> str:
        """The address of an admin page on this site."""
        return reverse(f"admin:{name}", args=args, current_app=self.admin_site.name)

    def url_of(self, row: Model) -> str:
        """The address of a row's page on this site."""
        return self.url(f"visualsearch_{row._meta.model_name}_change", row.pk)
