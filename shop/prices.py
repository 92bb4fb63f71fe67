"""Format prices in the active language."""

from decimal import Decimal
from functools import lru_cache

from django.utils.formats import number_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

CURRENCY = "€"


def format_price(amount: Decimal | float | str) -> str:
    """Return `€52.00` in English, `52,00 €` in French, and “Price on request” for 0."""
    return written(Decimal(str(amount)), get_language())


@lru_cache(maxsize=10_000)
def written(amount: Decimal, language: str | None) -> str:
    """Format a price in the active language, which `language` must name; cached."""
    if not amount:
        return _("Price on request")
    number = number_format(amount, decimal_pos=2, use_l10n=True, force_grouping=True)
    return f"{number}\u00a0{CURRENCY}" if language == "fr" else f"{CURRENCY}{number}"
