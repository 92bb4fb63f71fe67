"""The admin of processors that were compared with known answers."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import Processor
from .base import ReadOnlyAdmin
from .number_formats import badge


@admin.register(Processor)
class ProcessorAdmin(ReadOnlyAdmin):
    """Admin of CPU models: which of them compute the expected embeddings."""

    list_display = [
        *("name", "agreement", "lowest_cosine", "least_cosine"),
        *("encoder", "runtime", "host", "checked"),
    ]
    list_filter = ["encoder"]
    search_fields = ["name", "host"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user may delete rows, such as that of a CPU no longer in use."""
        return admin.ModelAdmin.has_delete_permission(self, request, obj)

    @admin.display(description=gettext_lazy("known answers"))
    def agreement(self, row: Processor) -> SafeString:
        """Return whether the processor computes the expected embeddings, as a coloured badge."""
        return badge("good", _("agrees")) if row.agrees else badge("bad", _("differs"))
