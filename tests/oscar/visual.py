"""The catalog of docs/oscar.md, which leaves some products out."""

from typing import Any

from visualsearch.contrib.oscar.catalog import OscarCatalog


class Catalog(OscarCatalog):
    def on_sale(self) -> Any:
        return super().on_sale().exclude(product_class__slug="gift-card")
