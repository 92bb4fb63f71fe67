"""After a run: everything that was confirmed is stored, indexed and found."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import closing

import redis
from django.db import connection

from shop.models import Product
from shop.tools.stack import StackError, until
from visualsearch.models import Event, Query, Run

from .client import search
from .customers import LOSING, LOSS, Ledger
from .editor import picture_of
from .goods import Goods, photo_of
from .machine import Machine
from .report import Journal

# Seconds in which the index worker must finish its work.
QUIET = 300.0
# The checks of the whole index that a product that arrives meanwhile may spoil.
ATTEMPTS = 5


def settle(machine: Machine, goods: Goods, ledger: Ledger, journal: Journal) -> None:
    """Wait until the index worker has finished, repair, and note what is lost in the journal."""
    checks: tuple[Callable[[], None], ...] = (
        lambda: wait_until_idle(machine),
        lambda: repair_and_compare(machine, journal),
        lambda: compare_products(goods, journal),
        lambda: search_each(machine, goods, journal),
        lambda: compare_figures(ledger, journal),
    )
    for check in checks:
        try:
            check()
        except StackError as error:
            journal.failed.append(f"at the end: {error}")
    connection.close()


def wait_until_idle(machine: Machine) -> None:
    """Wait until no run is open and no task is queued; raise StackError after a while."""

    def idle() -> bool:
        with closing(redis.Redis(port=machine.redis_port)) as client:
            queued = client.llen("visualsearch.index")
        return not queued and not Run.objects.filter(open=True).exists()

    def what() -> str:
        return f"{list(Run.objects.filter(open=True).values())} {machine.tail('index')}"

    until(idle, QUIET, what)


def repair_and_compare(machine: Machine, journal: Journal) -> None:
    """Run the hourly repair, for changes whose task was lost with Redis; then compare everything.

    See docs/operations.md, “Repair”.
    """
    mended = json.loads(machine.manage("visualsearch_repair", "--json"))
    journal.notes.append(f"repair: {mended}")
    for attempt in range(ATTEMPTS):
        try:
            machine.manage("visualsearch_check", "--json")
            return
        except StackError as error:
            if attempt == ATTEMPTS - 1:
                journal.lost.append(f"the index differs from the catalog: {error}")
        time.sleep(2)


def compare_products(goods: Goods, journal: Journal) -> None:
    """Compare the shop's products with what was confirmed of them."""
    rows = Product.objects.values_list("sku", "published", "images__image")
    stored = {
        key: ("visible" if published else "hidden", picture_of(name))
        for key, published, name in rows
    }
    for key, good in goods.all.items():
        wanted = None if good.state == "deleted" else (good.state, good.picture)
        if stored.get(key) != wanted:
            journal.lost.append(f"{key}: {stored.get(key)} is stored, {wanted} was confirmed")


def search_each(machine: Machine, goods: Goods, journal: Journal) -> None:
    """Search for each product by its picture: it is first if it is visible, else it is absent."""
    for key, good in goods.all.items():
        answer = search(machine.web_port, photo_of(good.picture))
        if answer.status != 200:
            journal.failed.append(f"at the end: {answer.status} {answer.text[:300]}")
            continue
        shown = answer.keys
        if good.state == "visible" and shown[:1] != [key]:
            journal.lost.append(f"{key} is visible and not found: {shown[:3]}")
        if good.state != "visible" and key in shown:
            journal.wrong.append(f"{key} is {good.state} and found at the end")


def compare_figures(ledger: Ledger, journal: Journal) -> None:
    """Compare stored searches and events with those that were answered.

    Searches may be lost that were answered just before a process ended.
    """
    stored = {str(pk) for pk in Query.objects.values_list("pk", flat=True)}
    missing = [pk for pk in ledger.queries if pk not in stored]
    excused = [
        pk
        for pk in missing
        if journal.outages.during(ledger.queries[pk] - LOSS, ledger.queries[pk] + LOSS) & LOSING
    ]
    journal.lost += [f"search {pk} is not stored" for pk in set(missing) - set(excused)]
    events = {
        (str(query), kind, item)
        for query, kind, item in Event.objects.values_list("query", "kind", "item")
    }
    journal.lost += [f"event {event} is not stored" for event in ledger.events - events]
    journal.notes.append(
        f"{len(ledger.queries):,} searches answered, {len(excused)} not stored because a process"
        f" ended; {len(ledger.events):,} events"
    )
