"""The products: what each is called, and the parameters from which its pictures are drawn."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

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
    cut: str  # which drawing of that kind
    gender: str
    colour: str
    second: str  # the pattern's other colour, or that of sleeves and trims
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
