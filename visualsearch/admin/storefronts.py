"""The admin of storefronts: a key is shown once, and a new key replaces the old one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..models import Storefront
from ..web.throttles import parse_rate
from .base import ReadOnlyAdmin
from .number_formats import NOTHING, badge, number


class StorefrontForm(forms.ModelForm):
    """A form that also validates the rate limit and the daily quota."""

    class Meta:
        model = Storefront
        fields = ("name", "active", "rate", "quota")

    def clean_rate(self) -> str:
        """Return the rate; raise ValidationError if the API cannot parse it."""
        rate: str = self.cleaned_data["rate"]
        try:
            parse_rate(rate)
        except ValueError as error:
            text = gettext("Enter a number, a slash, and s, min, h or day, for example 600/min.")
            raise forms.ValidationError(text) from error
        return rate

    def clean_quota(self) -> int | None:
        """Return the photos per day, None for no limit; raise ValidationError for 0.

        To stop a storefront, deactivate it.
        """
        quota: int | None = self.cleaned_data["quota"]
        if quota == 0:
            text = gettext(
                "Leave this field empty for no limit. To block all searches,"
                " deactivate the storefront."
            )
            raise forms.ValidationError(text)
        return quota


@admin.register(Storefront)
class StorefrontAdmin(ReadOnlyAdmin):
    """Admin of storefronts, which can be deactivated but not deleted.

    Deletion would leave its queries without a storefront, so clients without a key could read them.
    """

    form = StorefrontForm
    list_display = ["name", "is_active", "key", "rate", "quota_text", "recent", "created"]
    list_filter = ["active"]
    search_fields = ["name", "prefix"]
    actions = ["new_key"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may add storefronts."""
        return request.user.has_perm("visualsearch.add_storefront")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user may change storefronts."""
        return request.user.has_perm("visualsearch.change_storefront")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Storefront]:
        """Return storefronts with the number of their searches in the last 24 hours."""
        recent = Q(query__created__gt=timezone.now() - timedelta(hours=24))
        rows = super().get_queryset(request)
        return rows.annotate(searches=Count("query", filter=recent))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list with the app's own page title."""
        context = {"title": gettext("Storefronts")}
        return super().changelist_view(request, {**(extra_context or {}), **context})

    def save_model(self, request: HttpRequest, obj: Storefront, form: Any, change: bool) -> None:
        """Save a storefront; create the key of a new one and show it."""
        key = None if change else obj.new_key()
        super().save_model(request, obj, form, change)
        if key:
            self.tell(request, obj, key)

    def tell(self, request: HttpRequest, storefront: Storefront, key: str) -> None:
        """Show a new key in a message, which is the only time that it is visible."""
        text = gettext("API key of %(name)s, shown only once. Copy it now:")
        text %= {"name": storefront.name}
        told = format_html('{} <code class="vs-secret">{}</code>', text, key)
        self.message_user(request, told, messages.WARNING)

    @admin.action(
        description=_("Replace the API key (the old one stops working at once)"),
        permissions=["change"],
    )
    def new_key(self, request: HttpRequest, queryset: QuerySet[Storefront]) -> None:
        """Replace the keys of the selected storefronts, for keys that were lost or leaked."""
        for storefront in queryset:
            key = storefront.new_key()
            storefront.save(update_fields=["prefix", "digest"])
            self.log_change(request, storefront, gettext("Replaced the API key."))
            self.tell(request, storefront, key)

    @admin.display(description=_("state"), ordering="active")
    def is_active(self, storefront: Storefront) -> SafeString:
        """Return the state as a coloured badge."""
        if storefront.active:
            return badge("good", _("active"))
        return badge("quiet", _("deactivated"))

    @admin.display(description=_("key prefix"))
    def key(self, storefront: Storefront) -> SafeString:
        """Return the first characters of the key, by which staff can recognise it."""
        return format_html("<code>{}…</code>", storefront.prefix)

    @admin.display(description=_("quota"), ordering="quota")
    def quota_text(self, storefront: Storefront) -> str:
        """Return the daily photo limit as text, a dash if there is no limit."""
        return NOTHING if storefront.quota is None else number(storefront.quota)

    @admin.display(description=_("searches in the last 24 hours"))
    def recent(self, storefront: Storefront) -> str:
        """Return the number of searches in the last 24 hours."""
        return number(storefront.searches)  # type: ignore[attr-defined]
