from decimal import Decimal, InvalidOperation
from typing import Any

from django import template
from django.http import HttpRequest

from shop.names import shown_name
from shop.prices import format_price

register = template.Library()


@register.filter
def price(amount: Decimal | float | str | None) -> str:
    """Format an amount as a price; return text that is not a number unchanged."""
    if amount is None or amount == "":
        return ""
    try:
        return format_price(amount)
    except InvalidOperation:
        return str(amount)


@register.filter
def named(name: str | None) -> str:
    """Show a name of a category, a colour or another value of the catalog in French, too."""
    return shown_name(name)


@register.simple_tag(takes_context=True)
def with_page(context: dict[str, Any], number: int) -> str:
    """Return the query string of page `number` of the list, with all other parameters kept."""
    request: HttpRequest = context["request"]
    parameters = request.GET.copy()
    parameters["page"] = str(number)
    return f"?{parameters.urlencode()}"
