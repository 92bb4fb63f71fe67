"""Pictures of the catalog are decoded as customers' photos are."""

import pytest
from django.core.files.base import ContentFile

from tests.helpers.cut_pictures import cut_pictures
from tests.helpers.odd_pictures import damaged_pictures, odd_pictures, shirt
from tests.helpers.pictures import picture
from visualsearch.conf import SHIPPED_MODEL
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.exceptions import ImageCorrupt
from visualsearch.models import Embedding, from_bytes
from visualsearch.reindex import embeddings


@pytest.fixture
def store(sell, configure, shipped_model):
    """A function that stores files as the pictures of one product, and encodes them."""
    configure(HEIC=True)

    def make(files: dict[str, bytes]) -> dict[str, Embedding]:
        product = sell("P", picture(0))
        names = {}
        for place, (name, data) in enumerate(files.items(), 1):
            row = product.images.create(image=ContentFile(data, f"{place}.bin"), position=place)
            names[row.image.name] = name
        embeddings.refresh_items(["P"])
        rows = Embedding.objects.filter(item="P", image__in=names)
        return {names[row.image]: row for row in rows}

    return make


def test_catalog__odd_and_cut_pictures(store):
    odd, encoder = odd_pictures(), OnnxEncoder(SHIPPED_MODEL)
    wanted = {name: picture for name, (_, picture) in odd.items()}
    wanted |= dict.fromkeys(cut_pictures(), shirt())
    rows = store({name: data for name, (data, _) in odd.items()} | cut_pictures())
    assert rows.keys() == wanted.keys()
    for name, row in rows.items():
        assert row.error == "", name
        least = 0.9 if name in cut_pictures() else 0.98
        assert from_bytes(row.vector) @ encoder.encode([wanted[name]]).embeddings[0] >= least, name


def test_catalog__damaged_pictures_are_named(store):
    rows = store(damaged_pictures())
    assert rows.keys() == damaged_pictures().keys()
    assert {row.error for row in rows.values()} == {ImageCorrupt.message}
