"""Receivers of the app's signals cannot break it."""

import pytest

from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex
from visualsearch import signals
from visualsearch.exceptions import ImageCorrupt
from visualsearch.search.requests import SearchRequest
from visualsearch.search_queue import dispatch

NAMES = [name for name, each in vars(signals).items() if isinstance(each, signals.Signal)]


@pytest.fixture
def heard():
    """The values sent by each signal, whose receivers raise an exception after recording them."""
    said = {name: [] for name in NAMES}
    receivers = []
    for name in NAMES:

        def receiver(sender, signal, name=name, **values):
            said[name].append(values)
            raise RuntimeError("a receiver of a test")

        receivers.append(receiver)
        getattr(signals, name).connect(receiver)
    yield said
    for name, receiver in zip(NAMES, receivers, strict=True):
        getattr(signals, name).disconnect(receiver)


def test_signals__of_a_shop_in_one_process(sold, client, heard):
    reindex()
    result = dispatch.search(dispatch.decode_photo(encoded(picture(3))), SearchRequest(limit=2))
    with pytest.raises(ImageCorrupt):
        dispatch.search(dispatch.decode_photo(encoded(picture(3))[:800]), SearchRequest(limit=2))
    assert client.post("/api/visual-search/search/").status_code == 400

    (search,) = heard["searched"]
    assert search["what"] == "search"
    assert search["took_ms"] == result.took_ms
    assert (search["model"], search["index_version"]) == (result.model, result.index_version)
    assert search["matched"] is result.matched
    assert [each["code"] for each in heard["refused"]] == ["image_missing"]
    assert sum(each["counts"]["encoded"] for each in heard["images_indexed"]) == 8
    (activated,) = heard["version_activated"]
    assert activated["version"].pk == result.index_version
