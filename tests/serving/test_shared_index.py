"""A shop with its index in a Milvus server, which follows the rows of the database."""

import pytest

pytest.importorskip("milvus_lite")
pytest.importorskip("pymilvus")


from benchmarks.servers import milvus_lite
from shop.tools.ports import free_port
from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex
from visualsearch.exceptions import BackendUnavailable
from visualsearch.indexes import catalog_fit
from visualsearch.indexes.catalog_fit import Fit
from visualsearch.models import Embedding, IndexVersion, Query, Revision, from_bytes
from visualsearch.photos.decode import Limits, open_photo
from visualsearch.reindex import drift, embeddings
from visualsearch.search import by_photo
from visualsearch.search.requests import SearchRequest
from visualsearch.serving import live_index, loaded_versions
from visualsearch.versions import lifecycle


@pytest.fixture(scope="module")
def server():
    with milvus_lite() as uri:
        yield uri


@pytest.fixture
def milvus(server, configure):
    index = "visualsearch.indexes.milvus.MilvusIndex"
    configure(INDEX=index, INDEX_OPTIONS={"uri": server, "timeout": 60.0})


def search(n, limit=8):
    photo = open_photo(encoded(picture(n)), limits=Limits())
    return by_photo.search(photo, SearchRequest(limit=limit))


def found(n, limit=8):
    return [hit.item for hit in search(n, limit).hits]


def test_shop__in_milvus(milvus, sell, sold):
    first = reindex().version
    assert (first.images, first.items, first.file) == (8, 8, "")
    assert found(3)[0] == "P3"

    sell("NEW", picture(40))
    sold[0].delete()
    embeddings.refresh_items(["NEW", "P0"])
    # Searching has nothing to apply, because refresh() wrote to the server as well.
    first.refresh_from_db()
    assert first.revision == Revision.current()
    assert found(40, limit=1) == ["NEW"]
    assert len(found(0, limit=9)) == 8

    second = reindex().version
    assert found(40, limit=1) == ["NEW"]
    lifecycle.roll_back()
    assert (
        by_photo.search(
            open_photo(encoded(picture(3)), limits=Limits()), SearchRequest()
        ).index_version
        == first.pk
    )
    assert drift.find_drift().index_differs == 0
    lifecycle.delete_version(second)

    # An index that the server lost is rebuilt from the rows.
    live_index.empty_index(first, loaded_versions.current().encoder).drop()
    loaded_versions.unload_all()
    assert found(40, limit=1) == ["NEW"]


def test_shop__fitted_to_its_catalog(milvus, sell, sold, monkeypatch):
    monkeypatch.setattr(catalog_fit, "LEAST", 8)
    version = reindex().version
    assert version.fit
    sell("NEW", picture(40))
    embeddings.refresh_items(["NEW"])  # writes fitted vectors to the server
    rows = dict(Embedding.objects.searchable().values_list("item", "vector"))
    query = Query.objects.get(pk=search(3).query_id)
    fit = Fit.from_json(version.fit)
    fitted = {item: fit.apply(from_bytes(stored)) for item, stored in rows.items()}
    scores = {item: vector @ fit.apply(from_bytes(query.vector)) for item, vector in fitted.items()}
    hits = search(3, limit=9).hits
    assert [hit.item for hit in hits] == sorted(scores, key=scores.get, reverse=True)
    assert [hit.score for hit in hits] == pytest.approx(sorted(scores.values())[::-1], abs=1e-3)
    live_index.empty_index(version, loaded_versions.current().encoder).drop()
    loaded_versions.unload_all()
    assert search(3, limit=9).hits == hits
    assert drift.find_drift().index_differs == 0
    lifecycle.delete_version(version)


def test_shop__server_away(milvus, sell, sold):
    version = reindex().version
    away = {"uri": f"http://127.0.0.1:{free_port()}", "timeout": 1.0}
    IndexVersion.objects.filter(pk=version.pk).update(options=away)
    loaded_versions.unload_all()
    sell("NEW", picture(40))
    embeddings.refresh_items(["NEW"])  # changes are stored nevertheless
    assert Embedding.objects.searchable().filter(item="NEW").exists()
    with pytest.raises(BackendUnavailable):
        found(40)
    # When the server is back, it gets the missed changes.
    back = version.options
    IndexVersion.objects.filter(pk=version.pk).update(options=back)
    loaded_versions.unload_all()
    assert found(40, limit=1) == ["NEW"]
    version.refresh_from_db()
    assert version.revision == Revision.current()
    lifecycle.delete_version(version)
