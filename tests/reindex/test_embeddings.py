import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.helpers.pictures import encoded, picture
from visualsearch.encoders.fake import FakeEncoder
from visualsearch.models import Embedding, Revision, from_bytes
from visualsearch.reindex import catalog_images, embeddings
from visualsearch.serving import loaded_versions


@pytest.fixture
def encodings(monkeypatch):
    """The images that were passed to the encoder."""
    seen = []
    encode = FakeEncoder.encode

    def counted(self, images):
        seen.extend(images)
        return encode(self, images)

    monkeypatch.setattr(FakeEncoder, "encode", counted)
    return seen


def skus(products):
    return [product.sku for product in products]


def test_refresh__stores_what_the_encoder_says(sold):
    counts = embeddings.refresh_items(skus(sold))
    assert counts["encoded"] == 8
    row = Embedding.objects.get(item="P3")
    wanted = FakeEncoder().encode([picture(3)]).embeddings[0]
    assert from_bytes(row.vector) == pytest.approx(wanted, abs=2e-3)
    assert row.encoder == "fake-1"
    assert len(row.content_hash) == 64


def test_refresh__unchanged_image_is_never_encoded_twice(sold, encodings):
    embeddings.refresh_items(skus(sold))
    revision = Revision.current()
    assert len(encodings) == 8
    counts = embeddings.refresh_items(skus(sold))
    assert (counts["encoded"], counts["unchanged"]) == (0, 8)
    assert len(encodings) == 8
    assert Revision.current() == revision


def test_refresh__changed_content_under_the_same_name(sold, encodings):
    embeddings.refresh_items(skus(sold))
    file = sold[0].images.get().image
    with file.storage.open(file.name, "wb") as stored:
        stored.write(encoded(picture(50), "PNG"))
    counts = embeddings.refresh_items(["P0"])
    assert counts["encoded"] == 1
    wanted = FakeEncoder().encode([picture(50)]).embeddings[0]
    assert from_bytes(Embedding.objects.get(item="P0").vector) == pytest.approx(wanted, abs=2e-3)


def test_refresh__changed_image_keeps_its_row(sold):
    """The row's id must not change, because it identifies the image in the index."""
    embeddings.refresh_items(skus(sold))
    before = Embedding.objects.get(item="P0")
    file = sold[0].images.get().image
    with file.storage.open(file.name, "wb") as stored:
        stored.write(encoded(picture(50), "PNG"))
    embeddings.refresh_items(skus(sold))
    after = Embedding.objects.get(item="P0")
    assert after.pk == before.pk
    assert after.revision > before.revision
    assert after.updated > before.updated


def test_refresh__as_many_queries_for_more_images(sell, django_assert_num_queries):
    sell("A", picture(1))
    sell("B", *(picture(n) for n in range(2, 12)))
    embeddings.refresh_items(["A"])
    with CaptureQueriesContext(connection) as one:
        sell("C", picture(20))
        embeddings.refresh_items(["C"])
    with CaptureQueriesContext(connection) as selling:
        sell("D", picture(30))
    with django_assert_num_queries(len(one) - len(selling)):
        embeddings.refresh_items(["B"])


@pytest.mark.parametrize("threads", [1, 2, 3, 20])
def test_refresh__any_number_of_threads(sold, configure, threads):
    configure(INDEX_THREADS=threads)
    assert embeddings.refresh_items(skus(sold))["encoded"] == 8
    wanted = FakeEncoder().encode([picture(n) for n in range(8)]).embeddings
    rows = Embedding.objects.order_by("item")
    for row, vector in zip(rows, wanted, strict=True):
        assert from_bytes(row.vector) == pytest.approx(vector, abs=2e-3)


def test_refresh__encoder_that_cannot_tell_what_it_reads(sold, monkeypatch):
    monkeypatch.setattr(FakeEncoder, "input", None)
    encode = FakeEncoder.encode
    sizes = set()

    def whole(self, images):
        sizes.update(image.size for image in images)
        monkeypatch.undo()
        return encode(self, images)

    monkeypatch.setattr(FakeEncoder, "encode", whole)
    assert embeddings.refresh_items(["P3"])["encoded"] == 1
    assert sizes == {picture(3).size}


def test_refresh__hidden_and_shown_again_is_not_encoded_again(sold, encodings):
    embeddings.refresh_items(skus(sold))
    sold[0].published = False
    sold[0].save()
    assert embeddings.refresh_items(["P0"])["removed"] == 1
    assert Embedding.objects.get(item="P0").removed
    sold[0].published = True
    sold[0].save()
    assert embeddings.refresh_items(["P0"])["unchanged"] == 1
    assert not Embedding.objects.get(item="P0").removed
    assert len(encodings) == 8


def test_refresh__what_is_removed_already_is_no_change(sold):
    embeddings.refresh_items(skus(sold))
    sold[0].delete()
    embeddings.refresh_items(["P0"])
    revision = Revision.current()
    assert embeddings.refresh_items(["P0"])["removed"] == 0
    assert Revision.current() == revision


def test_refresh__deleted_product_leaves_a_revision(sold):
    embeddings.refresh_items(skus(sold))
    before = Revision.current()
    sold[0].delete()
    assert embeddings.refresh_items(["P0"])["removed"] == 1
    row = Embedding.objects.get(item="P0")
    assert row.removed
    assert row.revision > before


def test_refresh__removed_picture(sell):
    product = sell("A", picture(1), picture(2))
    assert embeddings.refresh_items(["A"])["encoded"] == 2
    product.images.last().delete()
    counts = embeddings.refresh_items(["A"])
    assert (counts["unchanged"], counts["removed"]) == (1, 1)


def test_refresh__what_is_newer_is_never_overwritten(sold, monkeypatch):
    """While one process encodes the old picture, another stores the new one."""
    file = sold[0].images.get().image
    encode = FakeEncoder.encode
    overtaken = []

    def slow(self, images):
        encoding = encode(self, images)
        if not overtaken:
            overtaken.append(True)
            with file.storage.open(file.name, "wb") as stored:
                stored.write(encoded(picture(50), "PNG"))
            embeddings.refresh_items(["P0"])
        return encoding

    monkeypatch.setattr(FakeEncoder, "encode", slow)
    counts = embeddings.refresh_items(["P0"])
    assert (counts["encoded"], counts["unchanged"]) == (0, 1)
    wanted = FakeEncoder().encode([picture(50)]).embeddings[0]
    assert from_bytes(Embedding.objects.get(item="P0").vector) == pytest.approx(wanted, abs=2e-3)


def test_refresh__hidden_and_shown_again_while_another_process_looks(sold, monkeypatch):
    """The slower task saw the product hidden; the faster one found nothing to do."""
    embeddings.refresh_items(["P0"])
    product = sold[0]
    product.published = False
    product.save()
    look_at = catalog_images.image_files

    def slow(keys):
        seen = look_at(keys)
        if not product.published:
            product.published = True
            product.save()
            assert embeddings.refresh_items(["P0"])["unchanged"] == 1
        return seen

    monkeypatch.setattr(catalog_images, "image_files", slow)
    assert embeddings.refresh_items(["P0"])["removed"] == 0
    assert not Embedding.objects.get(item="P0").removed


def test_refresh__gives_up_when_always_overtaken(sold, monkeypatch):
    monkeypatch.setattr(embeddings, "row_revisions", lambda *args: {0: 0})
    with pytest.raises(embeddings.ChangedMeanwhile, match="P0"):
        embeddings.refresh_items(["P0"])
    assert not Embedding.objects.exists()


def test_refresh__one_bad_image_does_not_stop_the_others(sold):
    product = sold[2]
    product.images.create(image=ContentFile(b"no picture", "bad.png"), position=1)
    missing = sold[3].images.get()
    missing.image.storage.delete(missing.image.name)
    counts = embeddings.refresh_items(skus(sold))
    assert (counts["encoded"], counts["failed"]) == (7, 2)
    errors = dict(Embedding.objects.exclude(error="").values_list("item", "error"))
    assert "not an image" in errors["P2"]
    assert "cannot be read" in errors["P3"]


def test_refresh__failed_image_is_retried_and_counted(sold):
    row = sold[2].images.create(image=ContentFile(b"no picture", "bad.png"), position=1)
    for attempts in (1, 2):
        embeddings.refresh_items(["P2"])
        assert Embedding.objects.exclude(error="").get().attempts == attempts
    with row.image.storage.open(row.image.name, "wb") as stored:
        stored.write(encoded(picture(9), "PNG"))
    assert embeddings.refresh_items(["P2"])["encoded"] == 1
    assert not Embedding.objects.exclude(error="").exists()


def test_refresh__first_product_needs_no_rebuild(sold):
    embeddings.refresh_items(["P0"])
    current = loaded_versions.current()
    assert len(current.index) == 1
