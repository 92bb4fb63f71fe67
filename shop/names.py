"""Names of categories, colours and other values of the catalog, in the language of the page.

The database has them in English. Add a name here to translate it; others are shown as they are.
"""

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

NAMES = {
    # Categories
    _("Dresses"),
    _("Hats"),
    _("Long sleeves"),
    _("Outerwear"),
    _("Shirts"),
    _("Shoes"),
    _("Shorts"),
    _("Skirts"),
    _("T-shirts"),
    _("Trousers"),
    # Colours
    _("beige"),
    _("black"),
    _("blue"),
    _("brown"),
    _("green"),
    _("grey"),
    _("navy"),
    _("orange"),
    _("pink"),
    _("purple"),
    _("red"),
    _("turquoise"),
    _("white"),
    _("yellow"),
    # For whom
    _("kids"),
    _("men"),
    _("unisex"),
    _("women"),
    # Materials
    _("canvas"),
    _("denim"),
    _("knit"),
    _("leather"),
    _("satin"),
    _("straw"),
    _("suede"),
    _("tulle"),
}


def shown_name(name: str | None) -> str:
    """Return a name of the catalog in the active language; unknown names are returned as is."""
    return gettext(name) if name in NAMES else name or ""
