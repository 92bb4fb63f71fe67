"""Store a validated catalog in the database; unchanged products are not written."""

from collections import Counter
from collections.abc import Callable, Iterable

from django.core.files import File
from django.core.files.storage import Storage
from django.db import transaction
from django.utils.text import slugify

from shop.models import Category, Product, ProductImage

from .read import Catalog, CatalogImage, CatalogRow, category_slug

BATCH = 500

Progress = Callable[[list[CatalogRow]], Iterable[CatalogRow]]


def store_catalog(catalog: Catalog, progress: Progress = lambda rows: rows) -> Counter[str]:
    """Store the catalog in one transaction; count products `created`, `updated`, `unchanged`.

    Files cannot be rolled back. New files are therefore deleted if the transaction fails, and
    replaced files only after it has succeeded. `progress` wraps the rows, for a progress bar.
    """
    store = CatalogStore(keep_further_images=not catalog.has_images_column)
    try:
        with transaction.atomic():
            store.remember(catalog.rows)
            for row in progress(catalog.rows):
                store.counts[store.store_row(row)] += 1
    except BaseException:
        store.delete_files(store.written)
        raise
    # A missing file may have been written again under its old name: keep it.
    store.delete_files([name for name in store.replaced if name not in store.written])
    return store.counts


class CatalogStore:
    def __init__(self, *, keep_further_images: bool) -> None:
        self.keep_further_images = keep_further_images
        self.counts: Counter[str] = Counter(created=0, updated=0, unchanged=0)
        self.written: list[str] = []
        self.replaced: list[str] = []
        self.products: dict[str, Product] = {}
        self.categories: dict[str, Category] = {}
        self.storage: Storage = ProductImage._meta.get_field("image").storage

    def remember(self, rows: list[CatalogRow]) -> None:
        """Fetch all categories, and the products with the SKUs of these rows, in a few queries."""
        self.categories = {category.slug: category for category in Category.objects.all()}
        for start in range(0, len(rows), BATCH):
            skus = [row.sku for row in rows[start : start + BATCH]]
            for product in Product.objects.for_cards().filter(sku__in=skus):
                self.products[product.sku] = product

    def store_row(self, row: CatalogRow) -> str:
        values = {**row.values, "category": self.category(row.category)}
        product = self.products.get(row.sku)
        if product is None:
            product = Product.objects.create(sku=row.sku, **{"price": 0, **values})
            self.store_images(product, row.images)
            return "created"
        changed = {name: value for name, value in values.items() if getattr(product, name) != value}
        for name, value in changed.items():
            setattr(product, name, value)
        if self.store_images(product, row.images) or changed:
            product.save()
            return "updated"
        return "unchanged"

    def category(self, name: str) -> Category:
        slug = category_slug(name)
        if slug not in self.categories:
            self.categories[slug] = Category.objects.create(name=name, slug=slug)
        return self.categories[slug]

    def store_images(self, product: Product, images: tuple[CatalogImage, ...]) -> bool:
        """Store a product's pictures; return whether any was added, replaced or removed."""
        present = list(product.images.all())
        changed = False
        for position, image in enumerate(images):
            if position >= len(present):
                present.append(ProductImage(product=product, position=position))
            row = present[position]
            if not (row.image and self.same_content(str(row.image), image)):
                self.store_image(row, image)
                changed = True
        if not self.keep_further_images:
            for row in present[len(images) :]:
                self.replaced.append(str(row.image))
                row.delete()
                changed = True
        return changed

    def store_image(self, row: ProductImage, image: CatalogImage) -> None:
        if row.image:
            self.replaced.append(str(row.image))
        name = f"{slugify(row.product.sku) or 'product'}-{row.position + 1}{image.suffix}"
        with image.path.open("rb") as file:
            row.image.save(name, File(file), save=False)
        self.written.append(str(row.image))
        row.save()

    def same_content(self, name: str, image: CatalogImage) -> bool:
        try:
            if self.storage.size(name) != image.path.stat().st_size:
                return False
            with self.storage.open(name) as stored:
                return stored.read() == image.path.read_bytes()
        except FileNotFoundError:
            return False

    def delete_files(self, names: list[str]) -> None:
        for name in names:
            self.storage.delete(name)
