"""Measure how often words with a photo find the right product."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management import call_command

from benchmarks.search.report import table as markdown
from shop.demo_catalog import rows
from visualsearch.photos.decode import open_photo
from visualsearch.search import by_photo
from visualsearch.search.build_result import build_result
from visualsearch.search.requests import SearchRequest
from visualsearch.search.results import Stopwatch

DEPTH = 50
NONSENSE = "qwertz"


def table(catalog: Path, queries: Path) -> None:
    """Load the catalog, search, and print recall@1 and recall@5."""
    call_command("migrate", verbosity=0)
    call_command("load_catalog", str(catalog), "--no-index", verbosity=0)
    call_command("visualsearch_index", verbosity=0)
    products = {row["sku"]: row for row in rows(catalog)}
    styles = defaultdict(list)
    for row in products.values():
        if row.get("style"):
            styles[row["style"]].append(row)
    ranks: dict[str, list[int]] = defaultdict(list)
    same = 0
    for query in rows(queries):
        sku = query["sku"]
        search = Search((queries.parent / query["image"]).read_bytes())
        ranks["no words"].append(search.rank(sku))
        ranks["category"].append(search.rank(sku, first_word(products[sku]["category"])))
        same += search.items(NONSENSE) == search.items()
        for other in styles[products[sku].get("style") or ""]:
            if other["sku"] != sku:
                ranks["another colour, no words"].append(search.rank(other["sku"]))
                ranks["another colour"].append(search.rank(other["sku"], other["color"]))
    lines = [[name, len(found), share(found, 1), share(found, 5)] for name, found in ranks.items()]
    print(markdown(["words", "searches", "recall@1", "recall@5"], lines))
    print(f"\nThe same list with a word that describes nothing: {same} of {len(ranks['no words'])}")


class Search:
    """Searches with one photo."""

    def __init__(self, data: bytes):
        self.request = SearchRequest(limit=DEPTH, remember=False, collapse=False)
        photo = open_photo(data)
        self.query, self.current = by_photo.encode_query(photo, self.request, Stopwatch())

    def items(self, words: str = "") -> list[str]:
        """Return the keys of the hits, best first."""
        request = replace(self.request, words=words)
        hits = build_result(self.query, self.current, request, Stopwatch()).hits
        return [hit.item for hit in hits]

    def rank(self, sku: str, words: str = "") -> int:
        """Return the rank of a product, from 1; more than DEPTH if it is not found."""
        found = self.items(words)
        return found.index(sku) + 1 if sku in found else DEPTH + 1


def first_word(category: str) -> str:
    """Return the first word of a category such as “Hoodies & Sweatshirts”."""
    return category.split()[0]


def share(ranks: list[int], k: int) -> Any:
    """Return the share of ranks up to ``k``, as text."""
    return f"{sum(rank <= k for rank in ranks) / max(1, len(ranks)):.3f}"
