"""The admin of ranking rules: a form in words, one switch for what is out of stock, and undo."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from ..catalogs import catalog
from ..models import RankingRule, RuleChange
from . import rule_history, rule_products, rule_words
from .base import ReadOnlyAdmin
from .rule_form import RuleForm
from .rule_words import Action, Products

ADD, CHANGE, DELETE = (f"visualsearch.{kind}_rankingrule" for kind in ("add", "change", "delete"))
# Changes in the history of a rule, and of all rules.
HISTORY, NEWEST = 20, 10


@admin.register(RankingRule)
class RankingRuleAdmin(ReadOnlyAdmin):
    """Admin of ranking rules."""

    form = RuleForm
    list_display = ["name", "does", "to_products", "acts_when", "period", "state", "switch"]
    list_select_related = ["storefront", "experiment"]
    search_fields = ["name"]
    actions = ["switch_on", "switch_off"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may add rules."""
        return request.user.has_perm(ADD)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user may change rules."""
        return request.user.has_perm(CHANGE)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user may delete rules."""
        return request.user.has_perm(DELETE)

    def get_urls(self) -> list[URLPattern]:
        """Return the default URLs, and those of the form's helpers and the list's buttons."""
        wrap = self.admin_site.admin_view
        views: dict[str, tuple[str, Any]] = {
            "products/": ("products", require_GET(self.products)),
            "matches/": ("matches", require_POST(self.matches)),
            "stock/": ("stock", require_POST(self.stock)),
            "<int:pk>/switch/": ("switch", require_POST(self.turn)),
            "<int:pk>/undo/": ("undo", require_POST(self.undo)),
        }
        return [
            *(
                path(route, wrap(view), name=f"visualsearch_rankingrule_{name}")
                for route, (name, view) in views.items()
            ),
            *super().get_urls(),
        ]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Return the names of the form's fields; the template places them."""
        return list(RuleForm.base_fields)

    def may_edit(self, request: HttpRequest) -> None:
        """Raise PermissionDenied for users who may neither add nor change rules."""
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied

    # --- pages ---

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, the switch for what is out of stock, and the newest changes."""
        context = {
            "title": _("Ranking rules"),
            "stock": stock_choices() if catalog().sold_out() is not None else None,
            "may_switch_stock": self.may_switch_stock(request),
            "changes": rule_history.entries(RuleChange.objects.all()[:NEWEST]),
            "may_undo": self.has_change_permission(request),
        }
        return super().changelist_view(request, {**(extra_context or {}), **context})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form with the rule's history; without permission to change it, in words."""
        rule = self.get_object(request, object_id) if object_id else None
        if rule is not None and not self.has_change_permission(request):
            return self.history_view(request, str(rule.pk))
        context: dict[str, Any] = {
            "title": _("New rule"),
            "subtitle": None,
            "show_save_and_add_another": False,
            "show_save_and_continue": False,
            **(self.described(request, rule) if rule is not None else {}),
        }
        return super().changeform_view(
            request, object_id, form_url, {**(extra_context or {}), **context}
        )

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the rule in words, with its history."""
        self.may_look(request)
        rule = self.get_object(request, object_id)
        if rule is None:
            raise Http404
        return self.page(request, "rule.html", **self.described(request, rule))

    def described(self, request: HttpRequest, rule: RankingRule) -> dict[str, Any]:
        """Return the template context of a rule's pages."""
        changes = RuleChange.objects.filter(rule=rule.pk)[:HISTORY]
        return {
            "title": rule.name,
            "rule": rule,
            "lines": in_words(rule),
            "matched": self.matched(request, rule),
            "changes": rule_history.entries(changes),
            "may_undo": self.has_change_permission(request),
        }

    def matched(self, request: HttpRequest, rule: RankingRule) -> SafeString:
        """Return how many products a rule selects now, with pictures, as HTML."""
        try:
            context: dict[str, Any] = {
                "matched": rule_products.matches(rule),
                # Of chosen ones, the form shows the pictures already.
                "pictures": rule.selection != Products.CHOSEN,
            }
        except ValidationError as error:
            context = {"errors": error.messages}
        text: SafeString = render_to_string("admin/visualsearch/_matches.html", context, request)
        return text

    # --- what the form's script asks for ---

    def products(self, request: HttpRequest) -> JsonResponse:
        """Return the products that the picker offers for the text in ``?q=``, or for its keys."""
        self.may_edit(request)
        text = request.GET.get("q", "").strip()
        keys = request.GET.getlist("key")
        found = rule_products.search(self.admin_site, request, text) if text else []
        return JsonResponse({"products": rule_products.cards(keys) if keys else found})

    def matches(self, request: HttpRequest) -> HttpResponse:
        """Return how many products the posted form selects now, as a piece of HTML."""
        self.may_edit(request)
        form = RuleForm(request.POST)
        if needed := form.still_needed():
            context = {"needed": needed}
            return HttpResponse(
                render_to_string("admin/visualsearch/_matches.html", context, request)
            )
        form.is_valid()
        wrong = [*form.errors.get("selection", []), *form.errors.get("products", [])]
        if wrong or "selection" not in form.cleaned_data:
            return HttpResponse(
                render_to_string("admin/visualsearch/_matches.html", {"errors": wrong}, request)
            )
        selection = form.cleaned_data["selection"]
        rule = RankingRule(
            selection=selection,
            keys=form.cleaned_data.get("products", []),
            filters=form.filter_query() if selection == Products.FILTER else "",
        )
        return HttpResponse(self.matched(request, rule))

    # --- changes ---

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save a rule and record the change."""
        rule_history.save(request.user, obj)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete a rule and record it."""
        rule_history.delete(request.user, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete the selected rules and record each."""
        for rule in queryset:
            rule_history.delete(request.user, rule)

    def switch_to(self, request: HttpRequest, rule: RankingRule, *, active: bool) -> None:
        """Switch a rule on or off, and record it."""
        rule.active = active
        rule_history.save(request.user, rule)

    @admin.action(description=gettext_lazy("Switch on"), permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[RankingRule]) -> None:
        """Switch the selected rules on."""
        for rule in queryset:
            self.switch_to(request, rule, active=True)

    @admin.action(description=gettext_lazy("Switch off"), permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[RankingRule]) -> None:
        """Switch the selected rules off."""
        for rule in queryset:
            self.switch_to(request, rule, active=False)

    def turn(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Switch a rule on if it is off, and off if it is on."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        rule = self.found(pk)
        self.switch_to(request, rule, active=not rule.active)
        text = _("“%(name)s” is switched on.") if rule.active else _("“%(name)s” is switched off.")
        self.message_user(request, text % {"name": rule.name}, messages.SUCCESS)
        return self.to_list()

    def may_switch_stock(self, request: HttpRequest) -> bool:
        """Return whether the user may add, change and delete rules, as the switch does."""
        return self.has_add_permission(request) and self.has_change_permission(request)

    def stock(self, request: HttpRequest) -> HttpResponse:
        """Put what is out of stock last, hide it, or neither, by the posted ``action``."""
        if not self.may_switch_stock(request):
            raise PermissionDenied
        action, rule = request.POST.get("action", ""), stock_rule()
        if action in (Action.BURY, Action.HIDE):
            rule = rule or RankingRule(selection=Products.OUT_OF_STOCK)
            rule.action, rule.active, rule.name = action, True, _("Out of stock")
            rule_history.save(request.user, rule)
        elif rule is not None:
            self.switch_to(request, rule, active=False)
        self.message_user(request, _("Saved. It counts from the next search on."), messages.SUCCESS)
        return self.to_list()

    def undo(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Restore what a rule was before a change."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        change = get_object_or_404(RuleChange, pk=pk)
        needed = DELETE if change.before is None else ADD if change.after is None else CHANGE
        if not request.user.has_perm(needed):
            raise PermissionDenied
        try:
            rule = rule_history.undo(request.user, change)
        except rule_history.CannotUndo:
            text = _("This cannot be undone, because the rule was changed or deleted meanwhile.")
            self.message_user(request, text, messages.ERROR)
            return self.to_list()
        self.message_user(request, _("The change has been undone."), messages.SUCCESS)
        return HttpResponseRedirect(self.url_of(rule)) if rule else self.to_list()

    def to_list(self) -> HttpResponseRedirect:
        """Redirect to the list of rules."""
        return HttpResponseRedirect(self.url("visualsearch_rankingrule_changelist"))

    # --- columns of the list ---

    @admin.display(description=gettext_lazy("what to do"), ordering="action")
    def does(self, rule: RankingRule) -> SafeString:
        """Return what the rule does as a coloured badge."""
        return rule_words.action_badge(rule)

    @admin.display(description=gettext_lazy("which products"))
    def to_products(self, rule: RankingRule) -> str:
        """Return which products the rule is about."""
        return rule_words.products_text(rule)

    @admin.display(description=gettext_lazy("when"))
    def acts_when(self, rule: RankingRule) -> str:
        """Return the conditions of the rule."""
        return rule_words.when_text(rule)

    @admin.display(description=gettext_lazy("period"), ordering="starts")
    def period(self, rule: RankingRule) -> str:
        """Return the days on which the rule acts."""
        return rule_words.period_text(rule)

    @admin.display(description=gettext_lazy("state"), ordering="active")
    def state(self, rule: RankingRule) -> SafeString:
        """Return whether the rule acts now."""
        return rule_words.state_badge(rule)

    @admin.display(description=gettext_lazy("switch"))
    def switch(self, rule: RankingRule) -> SafeString:
        """Return a button of the list's form that switches the rule on or off."""
        url = self.url("visualsearch_rankingrule_switch", rule.pk)
        text = _("Switch off") if rule.active else _("Switch on")
        button = '<button class="button vs-quiet" formaction="{}" formnovalidate>{}</button>'
        return format_html(button, url, text)


def in_words(rule: RankingRule) -> list[tuple[str, Any]]:
    """Return what a rule does as (label, text)."""
    return [
        (_("State"), rule_words.state_badge(rule)),
        (_("What to do"), rule_words.action_badge(rule)),
        (_("Which products"), rule_words.products_text(rule)),
        (_("When"), rule_words.when_text(rule)),
        (_("Period"), rule_words.period_text(rule)),
    ]


def stock_rule() -> RankingRule | None:
    """Return the newest rule for what is out of stock that has no conditions, None without one."""
    rows = RankingRule.objects.filter(
        selection=Products.OUT_OF_STOCK, category="", label="", storefront=None, experiment=None
    )
    return rows.filter(starts=None, ends=None).first()


def stock_choices() -> list[tuple[str, Any, bool]]:
    """Return (action, text, whether it is chosen) for what is out of stock."""
    rule = stock_rule()
    chosen = rule.action if rule is not None and rule.active else ""
    choices = [("", _("In its place")), (Action.BURY, _("Last")), (Action.HIDE, _("Hidden"))]
    return [(str(action), text, action == chosen) for action, text in choices]
