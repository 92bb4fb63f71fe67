"""Measure what ranking rules cost a search: ``python -m benchmarks.ranking_rules``.

Makes a shop of 100,000 products in a temporary SQLite file, and 100 rules of 1,000 products or more
each: 98 by a filter, one by keys, and one for what is out of stock. Times are of the thread's
processor, the least of many.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

PRODUCTS, RULES, POOL = 100_000, 100, 100


def least(call: Callable[[], object], times: int) -> float:
    """Return the least processor time of a call in milliseconds."""
    found = []
    for _ in range(times):
        start = time.thread_time()
        call()
        found.append(time.thread_time() - start)
    return 1000 * min(found)


def fill() -> list[str]:
    """Create the products, an active version and the rules; return the products' keys."""
    from shop.models import Category, Product
    from visualsearch.models import IndexVersion, RankingRule

    category = Category.objects.create(name="Things")
    rows = [
        Product(
            sku=f"S{n:07}",
            name=f"Thing {n}",
            category=category,
            price=Decimal(n) / 10,
            stock=n % 10,
        )
        for n in range(PRODUCTS)
    ]
    Product.objects.bulk_create(rows, batch_size=500)
    keys = [row.sku for row in rows]
    IndexVersion.objects.create(encoder="none", backend="none", state="active")
    actions = ["boost", "bury", "hide"]
    for n in range(RULES - 2):
        RankingRule.objects.create(
            name=f"filter {n}",
            action=actions[n % 3],
            selection="filter",
            filters=f"min_price={100 * n}&max_price={100 * n + 99.9}",
        )
    RankingRule.objects.create(name="keys", action="pin", keys=keys[:1000])
    RankingRule.objects.create(name="stock", action="bury", selection="out_of_stock")
    return keys


def measure() -> None:
    """Fill the shop and print what a search and a change of a rule cost."""
    from django.core.management import call_command

    from visualsearch.catalogs import current_catalog_name
    from visualsearch.models import RankingRule
    from visualsearch.search import rules
    from visualsearch.serving.current_state import read_current_state

    call_command("migrate", verbosity=0)
    keys = fill()
    pool = keys[:: PRODUCTS // POOL]

    def ask() -> rules.Effects | None:
        return rules.effects_for(
            category="shirt", label="shirt", storefront=None, experiment=None, variant=""
        )

    def search() -> None:
        effects = ask()
        if effects is not None:
            effects.hidden_items()
            for key in pool:
                effects.of(key)

    def first_load() -> None:
        rules.forget()
        ask()

    def change() -> None:
        changed.save()
        read_current_state(None)
        ask()

    read_current_state(None)
    print(f"{PRODUCTS} products, {RULES} rules, effects on {POOL} hits; ms of processor time")
    print(f"search: {least(search, 500):.3f}")
    print(f"first load in a process: {least(first_load, 3):.0f}")
    name = current_catalog_name()
    print(f"refresh of the products, in a thread: {least(lambda: rules.refresh(name), 3):.0f}")
    changed = RankingRule.objects.get(name="keys")
    print(f"first search after a changed rule: {least(change, 5):.1f}")
    RankingRule.objects.all().delete()
    state = least(lambda: read_current_state(None), 500)
    print(f"search without rules: {least(search, 500):.3f}; state of the index: {state:.3f}")


def main() -> None:
    """Run the measurement in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATABASE_URL"] = f"sqlite:///{Path(folder) / 'db.sqlite3'}"
        os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
        import django

        django.setup()
        measure()


if __name__ == "__main__":
    main()
