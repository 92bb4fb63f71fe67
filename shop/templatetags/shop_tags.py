from decimal import Decimal, InvalidOperation
from typing import Any

from django import template
from django.http import HttpRequest

from shop.prices import format_price

register = template.Library()


@register.filter
def price(amount: Decimal | float | str | None) -> str:
    """An amount as the shop writes it; a text that is no number stays as it is."""
    if amount is None or amount == "":
        return ""
    try:
        return format_price(amount)
    except InvalidOperation:
        return str(amount)


@register.simple_tag(takes_context=True)
def with_page(context: dict[str, Any], number: int) -> str:
    """The address of another page of this list, with the same search words."""
    request: HttpRequest = context["request"]
    parameters = request.GET.copy()
    parameters["page"] = str(number)
    return f"?{parameters.urlencode()}"
