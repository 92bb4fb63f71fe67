"""The colours of pictures in the reader's language."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

NAMES = {
    "black": _("black"),
    "white": _("white"),
    "grey": _("grey"),
    "red": _("red"),
    "orange": _("orange"),
    "yellow": _("yellow"),
    "green": _("green"),
    "blue": _("blue"),
    "purple": _("purple"),
    "pink": _("pink"),
    "brown": _("brown"),
    "beige": _("beige"),
}


def colour_name(name: str) -> str:
    """Return a colour of :mod:`visualsearch.photos.colour_names` in the active language."""
    return str(NAMES.get(name, name))
