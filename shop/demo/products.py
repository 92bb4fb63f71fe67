"""The demo's products: their names and the parameters of their pictures."""

import zlib
from dataclasses import dataclass
from functools import lru_cache

from .styles import STYLES, Style

CATEGORIES = {
    "dress": "Dresses",
    "hat": "Hats",
    "longsleeve": "Long sleeves",
    "outwear": "Outerwear",
    "pants": "Trousers",
    "shirt": "Shirts",
    "shoes": "Shoes",
    "shorts": "Shorts",
    "skirt": "Skirts",
    "t-shirt": "T-shirts",
}


@dataclass(frozen=True, kw_only=True)
class Product:
    """One article in one colour."""

    sku: str
    style: str
    name: str
    kind: str  # one of CATEGORIES
    cut: str  # drawing of that kind
    gender: str
    colour: str
    second: str  # second colour of the pattern, or the colour of sleeves and trims
    price: str
    material: str
    pattern: str
    stock: int
    details: frozenset[str]
    views: tuple[str, ...]

    def has(self, detail: str) -> bool:
        return detail in self.details

    @property
    def category(self) -> str:
        return CATEGORIES[self.kind]

    @property
    def seed(self) -> int:
        return zlib.crc32(self.sku.encode())


def _in_colour(style: Style, colours: str) -> Product:
    first = colours == style.colours[0]  # other colours have only the front view
    main, _, second = colours.partition("/")
    sku = f"{style.code}-{main[:3].upper()}{second[:1].upper()}"
    colour = f"{main} and {second}" if second else main
    return Product(
        sku=sku,
        style=style.code,
        name=f"{style.name}, {colour}",
        kind=style.kind,
        cut=style.cut,
        gender=style.gender,
        colour=main,
        second=second or "white",
        price=style.price,
        material=style.material,
        pattern=style.pattern,
        stock=zlib.crc32(sku.encode()) % 40,
        details=frozenset(style.details),
        views=style.views if first else style.views[:1],
    )


@lru_cache(maxsize=1)
def products() -> tuple[Product, ...]:
    """Return every product, style by style; the same on every call."""
    return tuple(_in_colour(style, colours) for style in STYLES for colours in style.colours)


def product(sku: str) -> Product:
    return next(one for one in products() if one.sku == sku)
