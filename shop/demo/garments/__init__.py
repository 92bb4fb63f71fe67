"""Outlines and details of garments, one module per family."""

from collections.abc import Callable

from ..products import Product
from ..shapes import Shapes
from .dresses import dress
from .hats import hat
from .outerwear import outwear
from .shoes import shoes
from .skirts import skirt
from .t_shirts import t_shirt
from .tops import long_sleeve, shirt
from .trousers import trousers

DRAWINGS: dict[str, Callable[..., Shapes]] = {
    "dress": dress,
    "hat": hat,
    "longsleeve": long_sleeve,
    "outwear": outwear,
    "pants": trousers,
    "shirt": shirt,
    "shoes": shoes,
    "shorts": trousers,
    "skirt": skirt,
    "t-shirt": t_shirt,
}


def garment(product: Product, *, back: bool = False) -> Shapes:
    """Return all parts and lines of a product, lowest layer first."""
    return DRAWINGS[product.kind](product, back=back)
