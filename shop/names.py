"""Names of categories, colours and other values of the catalog, in the language of the page.

The database has them in English. Add a name here to translate it; others are shown as they are.
"""

from django.utils.translation import pgettext_lazy

# The app has names of its own for classes such as “Trousers”.
NAMES = {
    # Categories
    "Dresses": pgettext_lazy("catalog", "Dresses"),
    "Hats": pgettext_lazy("catalog", "Hats"),
    "Long sleeves": pgettext_lazy("catalog", "Long sleeves"),
    "Outerwear": pgettext_lazy("catalog", "Outerwear"),
    "Shirts": pgettext_lazy("catalog", "Shirts"),
    "Shoes": pgettext_lazy("catalog", "Shoes"),
    "Shorts": pgettext_lazy("catalog", "Shorts"),
    "Skirts": pgettext_lazy("catalog", "Skirts"),
    "T-shirts": pgettext_lazy("catalog", "T-shirts"),
    "Trousers": pgettext_lazy("catalog", "Trousers"),
    # Colours
    "beige": pgettext_lazy("catalog", "beige"),
    "black": pgettext_lazy("catalog", "black"),
    "blue": pgettext_lazy("catalog", "blue"),
    "brown": pgettext_lazy("catalog", "brown"),
    "green": pgettext_lazy("catalog", "green"),
    "grey": pgettext_lazy("catalog", "grey"),
    "navy": pgettext_lazy("catalog", "navy"),
    "orange": pgettext_lazy("catalog", "orange"),
    "pink": pgettext_lazy("catalog", "pink"),
    "purple": pgettext_lazy("catalog", "purple"),
    "red": pgettext_lazy("catalog", "red"),
    "turquoise": pgettext_lazy("catalog", "turquoise"),
    "white": pgettext_lazy("catalog", "white"),
    "yellow": pgettext_lazy("catalog", "yellow"),
    # Departments
    "kids": pgettext_lazy("catalog", "kids"),
    "men": pgettext_lazy("catalog", "men"),
    "unisex": pgettext_lazy("catalog", "unisex"),
    "women": pgettext_lazy("catalog", "women"),
    # Materials
    "canvas": pgettext_lazy("catalog", "canvas"),
    "denim": pgettext_lazy("catalog", "denim"),
    "knit": pgettext_lazy("catalog", "knit"),
    "leather": pgettext_lazy("catalog", "leather"),
    "satin": pgettext_lazy("catalog", "satin"),
    "straw": pgettext_lazy("catalog", "straw"),
    "suede": pgettext_lazy("catalog", "suede"),
    "tulle": pgettext_lazy("catalog", "tulle"),
}


def shown_name(name: str | None) -> str:
    """Return a name of the catalog in the active language; unknown names are returned as is."""
    return str(NAMES.get(name or "", name or ""))
