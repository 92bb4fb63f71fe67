"""One way to write a price, in the reader's language."""

from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

CURRENCY = "€"


def format_price(amount: Decimal | float | str) -> str:
    """`€52.00` in English, `52,00 €` in French; a product without a price has none to show."""
    value = Decimal(str(amount))
    if not value:
        return _("Price on request")
    number = number_format(value, decimal_pos=2, use_l10n=True, force_grouping=True)
    return f"{number}\u00a0{CURRENCY}" if get_language() == "fr" else f"{CURRENCY}{number}"
