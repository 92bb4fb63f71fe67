"""Prices by customer."""

from decimal import Decimal
from typing import Any

from oscar.apps.partner import prices, strategy


class ForStaff(strategy.Default):
    """Charges half the price, and a tax of 10 %."""

    def pricing_policy(self, product: Any, stockrecord: Any) -> Any:
        """Return the price of a product."""
        half = stockrecord.price / 2
        tax = half * Decimal("0.1")
        return prices.FixedPrice(currency="EUR", excl_tax=half, tax=tax)


class Selector:
    """Selects the strategy by the user who is logged in."""

    def strategy(self, request: Any = None, user: Any = None, **kwargs: Any) -> Any:
        """Return the strategy for a request."""
        special = request is not None and request.user.is_staff
        return ForStaff(request) if special else strategy.Default(request)
