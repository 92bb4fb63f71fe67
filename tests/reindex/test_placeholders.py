"""Pictures that many products share are left out of searches by themselves."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile

from shop.models import Category, Product, ProductImage
from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex
from visualsearch.encoders.fake import FakeEncoder
from visualsearch.models import Embedding, RepeatedPicture
from visualsearch.reindex import embeddings, placeholders
from visualsearch.reindex.drift import find_drift
from visualsearch.search.ranking import rank
from visualsearch.search.results import Stopwatch
from visualsearch.serving import loaded_versions

pytestmark = pytest.mark.django_db

NONE_YET = picture(99)


def found(seed: int | None = None, limit: int = 100) -> list[str]:
    """Return the keys of the products that a search with a picture finds, best first."""
    image = NONE_YET if seed is None else picture(seed)
    vector = FakeEncoder().encode([image]).embeddings[0]
    hits = rank(loaded_versions.current(), [vector], limit, watch=Stopwatch())
    return [hit.item for hit in hits]


@pytest.fixture
def bare(sell):
    """Eleven products, B0 to B10, with the picture “no image yet”."""
    return [sell(f"B{n}", NONE_YET) for n in range(11)]


def put_picture(product: Product, seed: int) -> None:
    product.images.all().delete()
    product.images.create(image=ContentFile(encoded(picture(seed), "PNG"), f"{seed}.png"))


@pytest.mark.parametrize(
    ("items", "of", "expected"),
    [
        (9, 9, False),
        (10, 10, True),
        (10, 1000, True),
        (19, 2000, False),
        (20, 2000, True),
        (99, 1_000_000, False),
        (100, 1_000_000, True),
    ],
)
def test_threshold__grows_with_the_catalog_up_to_a_limit(items, of, expected):
    assert placeholders.is_placeholder(items, of) is expected


def test_placeholder__is_never_found(sold, bare):
    reindex()
    assert set(found()) == {product.sku for product in sold}
    row = RepeatedPicture.objects.get()
    assert (row.items, row.wanted) == (11, False)
    assert Embedding.objects.filter(left_out=True).count() == 11
    assert find_drift().clean


def test_few_copies__are_variants_of_a_style(sold, sell):
    for n in range(9):
        sell(f"V{n}", NONE_YET)
    reindex()
    assert found(limit=9) == [f"V{n}" for n in range(9)]
    assert not RepeatedPicture.objects.exists()


def test_placeholder__is_noticed_when_the_tenth_product_gets_it(sold, sell):
    for n in range(9):
        sell(f"B{n}", NONE_YET)
    reindex()
    assert "B0" in found()
    sell("B9", NONE_YET)
    embeddings.refresh_items(["B9"])
    assert set(found()) == {product.sku for product in sold}


def test_new_product__with_a_known_placeholder_is_left_out(sold, bare, sell):
    reindex()
    sell("B11", NONE_YET)
    embeddings.refresh_items(["B11"])
    assert "B11" not in found()


def test_product__that_gets_its_picture_is_found_at_once(sold, bare):
    reindex()
    put_picture(bare[3], 50)
    embeddings.refresh_items(["B3"])
    assert found(50)[0] == "B3"


def test_product__whose_file_is_overwritten_is_found_at_once(sold, bare):
    reindex()
    image = bare[3].images.get().image
    path = image.path
    with open(path, "wb") as file:
        file.write(encoded(picture(50), "PNG"))
    embeddings.refresh_items(["B3"])
    assert found(50)[0] == "B3"


def test_decision__brings_the_pictures_back_without_encoding(sold, bare, monkeypatch):
    reindex()
    assert "B0" not in found()

    def refuse(*args):
        raise AssertionError("a picture was encoded again")

    row = RepeatedPicture.objects.get()
    with monkeypatch.context() as patch:
        patch.setattr(FakeEncoder, "encode", refuse)
        assert placeholders.decide(row, wanted=True) == 11
    assert set(found(limit=11)) == {product.sku for product in bare}
    reindex()
    assert set(found(limit=11)) == {product.sku for product in bare}
    placeholders.decide(row, wanted=False)
    assert "B0" not in found()


def test_wanted_picture__of_a_new_product_is_found(sold, bare, sell):
    reindex()
    placeholders.decide(RepeatedPicture.objects.get(), wanted=True)
    sell("B11", NONE_YET)
    embeddings.refresh_items(["B11"])
    assert "B11" in found(limit=12)
    assert "B0" in found(limit=12)


def test_rows_of_an_earlier_release__are_looked_through_in_the_next_run(sold, bare, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(placeholders, "found_among", lambda encoder, hashes: set())
        reindex()
    assert "B0" in found()
    reindex()
    assert "B0" not in found()


def test_hidden_and_broken_products__do_not_count(sold, bare, sell):
    Product.objects.filter(sku__in=["B0", "B1"]).update(published=False)
    for n in range(12):
        broken = sell(f"X{n}")
        broken.images.create(image=ContentFile(b"no picture", f"x{n}.png"))
    reindex()
    assert not RepeatedPicture.objects.exists()
    assert "B2" in found()


@pytest.mark.slow
def test_500_of_2000_products__share_one_placeholder(db, settings, tmp_path):
    category = Category.objects.create(name="Things")
    products = Product.objects.bulk_create(
        Product(sku=f"S{n}", name=f"S{n}", category=category, price="9.00") for n in range(2000)
    )
    folder = tmp_path / "media" / "products"
    folder.mkdir(parents=True)
    images = []
    for n, product in enumerate(products):
        image = NONE_YET if n % 4 == 0 else picture(1000 + n)
        (folder / f"{n}.png").write_bytes(encoded(image, "PNG"))
        images.append(ProductImage(product=product, image=f"products/{n}.png"))
    ProductImage.objects.bulk_create(images)
    reindex()
    assert RepeatedPicture.objects.get().items == 500
    keys = found(limit=2000)
    assert len(keys) == 1500
    assert not any(int(key[1:]) % 4 == 0 for key in keys)
    put_picture(products[0], 50)
    embeddings.refresh_items(["S0"])
    assert found(50)[0] == "S0"
