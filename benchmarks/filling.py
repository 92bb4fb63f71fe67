"""Fill a shop with products that have one picture and one embedding each; no model is run.

Call ``django.setup()`` first. SQLite is filled by bulk inserts, PostgreSQL by COPY.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import Model

from benchmarks.vectors import Catalog
from shop.models import Category, Product, ProductImage
from visualsearch.models import Embedding, Revision, to_bytes
from visualsearch.photos.decode import RULES
from visualsearch.serving import version_encoders

PRICE = "9.00"


def sku(number: int) -> str:
    """Return the SKU of product ``number``, counted from 1."""
    return f"S{number:07}"


def picture(number: int) -> str:
    """Return the file name of the picture of product ``number``, relative to the media folder."""
    return f"products/{number}.png"


def content(number: int) -> bytes:
    """Return the bytes of the picture file of product ``number``; they are no real image."""
    return f"picture {number}".encode()


def fill(count: int, media: Path | None = None) -> None:
    """Migrate an empty shop, and create products, pictures and embeddings 1…``count``.

    ``media``: folder to write a small file to for each picture, which is no real image; None: no
    files.
    """
    call_command("migrate", verbosity=0)
    encoder = version_encoders.configured_encoder()
    category = Category.objects.create(name="Things")
    if media is not None:
        (media / "products").mkdir(parents=True)
    for numbers, vectors in Catalog(encoder.dim).batches(count):
        products, images, rows = [], [], []
        for number, vector in zip(numbers.tolist(), vectors, strict=True):
            if media is not None:
                (media / picture(number)).write_bytes(content(number))
            one = Product(
                pk=number, sku=sku(number), name=f"Thing {number}", category=category, price=PRICE
            )
            products.append(one)
            images.append(ProductImage(pk=number, product=one, image=picture(number)))
            rows.append(
                Embedding(
                    pk=number,
                    item=one.sku,
                    image=picture(number),
                    encoder=encoder.id,
                    content_hash=hashlib.sha256(content(number)).hexdigest(),
                    rules=RULES,
                    vector=to_bytes(vector),
                    revision=1,
                )
            )
        with transaction.atomic():
            for each in (products, images, rows):
                insert(each)
    Revision.objects.update_or_create(pk=1, defaults={"value": 1})
    with connection.cursor() as cursor:
        kinds = [Product, ProductImage, Embedding]
        for statement in connection.ops.sequence_reset_sql(no_style(), kinds):
            cursor.execute(statement)
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")  # autovacuum would do so a minute later


def insert(rows: Sequence[Model]) -> None:
    """Insert new rows of one model, with their primary keys."""
    kind = type(rows[0])
    if connection.vendor != "postgresql":
        kind._default_manager.bulk_create(rows)
        return
    fields = kind._meta.concrete_fields
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    table = connection.ops.quote_name(kind._meta.db_table)
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row([stored(field, row) for field in fields])


def stored(field: Any, row: Model) -> Any:
    """Return the value of a field of ``row`` in the form that the database driver accepts."""
    value = field.pre_save(row, add=True)
    if isinstance(value, bytes):
        return value
    return field.get_db_prep_save(value, connection)
