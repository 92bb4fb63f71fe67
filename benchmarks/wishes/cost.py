"""Measure how much longer a search takes with words, groups, rules or objects."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.db.models import F, Value
from django.db.models.functions import Cast, Concat, Mod

from benchmarks.filling import fill, sku
from benchmarks.search.report import table as markdown
from shop.models import Product
from tests.helpers.pictures import encoded, picture
from visualsearch.encoders.objects import find_objects
from visualsearch.models import RankingRule
from visualsearch.photos.decode import open_photo
from visualsearch.search import by_photo
from visualsearch.search.build_result import build_result
from visualsearch.search.encode_photo import encode_photo
from visualsearch.search.requests import SearchRequest
from visualsearch.search.results import Stopwatch
from visualsearch.serving.current_state import read_current_state
from visualsearch.versions import lifecycle

STYLES, COLOURS, NAMES = 4, ("red", "navy", "green", "black", "white"), ("Hoodie", "Jacket", "Coat")
RULES = 100
WARM = 10


def table(products: int, rounds: int) -> None:
    """Fill the shop, search, and print the milliseconds of each kind of search."""
    prepare(products)
    photo = open_photo(encoded(picture(1, (300, 400))))
    request = SearchRequest(remember=False, collapse=False)
    query, current = by_photo.encode_query(photo, request, Stopwatch())
    cells = encode_photo(current.encoder, photo).cells
    assert cells is not None

    def search(**options: Any) -> Callable[[], Any]:
        asked = replace(request, **options)

        def run() -> None:
            read_current_state(None)
            build_result(query, current, asked, Stopwatch())

        return run

    usual = search()
    lines = [
        compared("objects", lambda: None, lambda: find_objects(current.encoder, cells), rounds),
        compared("groups", usual, search(collapse=True), rounds),
        compared("words: navy hoodie", usual, search(words="navy hoodie"), rounds),
        compared("words: thing 4711", usual, search(words="thing 4711"), rounds),
        compared(
            "words as a filter: navy hoodie",
            usual,
            search(words="navy hoodie", words_mode="filter"),
            rounds,
        ),
    ]
    before = [timed(usual) for _ in range(rounds)]
    rules()
    usual()
    after = [timed(usual) for _ in range(rounds)]
    lines.append(line(f"{RULES} rules", before, after))
    print(markdown(["", "without, ms", "with, ms", "added, least", "added, median"], lines))


def prepare(products: int) -> None:
    """Fill and index the shop, with styles of four, five colours and three names."""
    call_command("migrate", verbosity=0)
    fill(products)
    Product.objects.update(
        style=Concat(Value("S"), Cast(F("pk") / STYLES, Product._meta.get_field("style"))),
    )
    for n, colour in enumerate(COLOURS):
        rows = Product.objects.annotate(place=Mod("pk", len(COLOURS))).filter(place=n)
        rows.update(color=colour)
    for n, name in enumerate(NAMES):
        rows = Product.objects.annotate(place=Mod(F("pk") / 7, len(NAMES))).filter(place=n)
        rows.update(name=Concat(Value(f"{name} "), F("name")))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    version = lifecycle.create_version()
    lifecycle.build(version)
    lifecycle.activate(version)


def rules() -> None:
    """Create rules for a thousand products each, and some for a filter."""
    actions = RankingRule.Action
    for n in range(RULES):
        if n % 10 == 0:
            values: dict[str, Any] = {
                "selection": RankingRule.Products.FILTER,
                "filters": f"color={COLOURS[n % len(COLOURS)]}&min_price={n / 100}",
            }
        else:
            values = {"keys": [sku(n * 1000 + k) for k in range(1, 1001)]}
        action = (actions.BOOST, actions.BURY, actions.HIDE)[n % 3]
        RankingRule.objects.create(name=f"Rule {n}", action=action, **values)


def timed(run: Callable[[], Any]) -> float:
    """Return how many milliseconds a call takes."""
    start = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - start)


def compared(
    name: str, without: Callable[[], Any], wanted: Callable[[], Any], rounds: int
) -> list[Any]:
    """Return a line of the table for two calls that are timed alternately."""
    for _ in range(WARM):
        without()
        wanted()
    pairs = [(timed(without), timed(wanted)) for _ in range(rounds)]
    return line(name, [one for one, _ in pairs], [other for _, other in pairs])


def line(name: str, without: list[float], wanted: list[float]) -> list[Any]:
    """Return a line of the table."""
    return [
        name,
        f"{median(without):.2f}",
        f"{median(wanted):.2f}",
        f"{min(wanted) - min(without):.2f}",
        f"{median(wanted) - median(without):.2f}",
    ]
