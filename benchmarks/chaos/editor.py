"""A shop owner who adds, changes, hides, publishes and deletes products."""

from __future__ import annotations

import random
import threading
import time

from django.core.files.base import ContentFile
from django.db import Error, connection, transaction

from shop.models import Category, Product

from .goods import PICTURE, Goods, State, drawn
from .report import Journal

# Products at most, hidden ones included.
MOST = 120
# Relative frequency of each kind of edit.
WEIGHTS = {"add": 3, "picture": 3, "hide": 3, "publish": 3, "delete": 1}


class Editor(threading.Thread):
    """Edits the shop's products as its own code does, by Django's models.

    An edit that raises an error of the database may have been stored or not; the stored row tells.
    """

    def __init__(self, goods: Goods, journal: Journal, seed: int):
        super().__init__(name="editor", daemon=True)
        self.goods, self.journal = goods, journal
        self.rng = random.Random(f"{seed} editor")
        self.pictures = iter(range(1, 1_000_000))
        self.over = threading.Event()
        self.edits = 0

    def stock(self, products: int) -> None:
        """Sell the first products."""
        for _ in range(products):
            picture = next(self.pictures)
            add(key_of(picture), picture)
            self.goods.add(key_of(picture), picture)
        connection.close()  # a restart of the database would break it

    def run(self) -> None:
        try:
            while not self.over.wait(self.rng.uniform(0.3, 1.0)):
                self.edit()
        except Exception as error:
            self.journal.failed.append(f"editor: {error!r}")
            raise
        finally:
            connection.close()

    def edit(self) -> None:
        """Make one edit and note what was confirmed."""
        kind = self.rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        shown, hidden = self.goods.keys("visible"), self.goods.keys("hidden")
        if kind == "add" and len(shown) + len(hidden) >= MOST:
            kind = "delete"
        chosen = hidden if kind == "publish" else shown
        # A few products always stay, so that customers have something to search for.
        if kind != "add" and len(chosen) <= (0 if kind == "publish" else 10):
            kind = "add"
        picture = next(self.pictures)
        key = key_of(picture) if kind == "add" else self.rng.choice(chosen)
        picture = picture if kind in ("add", "picture") else self.goods.all[key].picture
        self.goods.begin(key, picture)
        start = time.monotonic()
        try:
            EDITS[kind](key, picture)
        except Error as error:
            if "db" not in self.journal.outages.during(start, time.monotonic()):
                self.journal.failed.append(f"{kind} {key}: {error!r}")
        # The row tells, also whether an edit was stored whose confirmation was lost.
        self.goods.confirm(key, *self.stored(key, picture))
        self.edits += 1

    def stored(self, key: str, picture: int) -> tuple[State, int]:
        """Return a product's state and picture from the database, once it answers."""
        while True:
            try:
                rows = Product.objects.filter(sku=key).values_list("published", "images__image")
                for published, name in rows:
                    return "visible" if published else "hidden", picture_of(name)
                return "deleted", picture
            except Error:
                connection.close()
                time.sleep(0.2)


def key_of(picture: int) -> str:
    """Return the key of the product that was added with a picture."""
    return f"G{picture}"


def picture_of(name: str) -> int:
    """Return the number of a picture from the name of its file."""
    return int(name.rsplit("/", 1)[-1].split("-")[0])


def put_picture(product: Product, picture: int) -> None:
    """Give a product a picture file."""
    content = ContentFile(drawn(picture, PICTURE, 92), f"{picture}-.jpg")
    product.images.create(image=content)


def add(key: str, picture: int) -> None:
    with transaction.atomic():
        category, _ = Category.objects.get_or_create(slug="goods", defaults={"name": "Goods"})
        name = f"Product {key}"
        put_picture(Product.objects.create(sku=key, name=name, category=category, price=9), picture)


def change_picture(key: str, picture: int) -> None:
    with transaction.atomic():
        product = Product.objects.get(sku=key)
        for image in product.images.all():
            image.delete()
        put_picture(product, picture)


def hide(key: str, picture: int) -> None:
    publish(key, picture, published=False)


def publish(key: str, picture: int, *, published: bool = True) -> None:
    with transaction.atomic():
        product = Product.objects.get(sku=key)
        product.published = published
        product.save()


def delete(key: str, picture: int) -> None:
    with transaction.atomic():
        Product.objects.get(sku=key).delete()


EDITS = {
    "add": add,
    "picture": change_picture,
    "hide": hide,
    "publish": publish,
    "delete": delete,
}
