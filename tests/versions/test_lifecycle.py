import csv
import shutil

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import rebuild, reindex
from visualsearch.conf import DEFAULTS, SHIPPED_MODEL
from visualsearch.exceptions import ModelUnavailable, QueryNotFound
from visualsearch.models import Embedding, IndexVersion, Run
from visualsearch.photos.decode import Limits, open_photo
from visualsearch.reindex import embeddings
from visualsearch.search import by_photo, later_pages
from visualsearch.search.requests import PageRequest, SearchRequest
from visualsearch.serving import index_files, loaded_versions, version_encoders
from visualsearch.versions import lifecycle

ACTIVE, RETIRED, READY = "active", "retired", "ready"


def photo(n):
    return open_photo(encoded(picture(n)), limits=Limits())


def states():
    return dict(IndexVersion.objects.order_by("pk").values_list("pk", "state"))


@pytest.fixture
def labelled(tmp_path, configure):
    """Labelled photos; call it to rewrite them with ``wrong`` wrong labels."""
    path = tmp_path / "queries.csv"

    def write(wrong=0):
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["image", "sku"])
            for n in range(8):
                (tmp_path / f"{n}.jpg").write_bytes(encoded(picture(n)))
                writer.writerow([f"{n}.jpg", f"P{n}" if n >= wrong else "nobody"])

    write()
    configure(LABELLED_QUERIES=str(path))
    return write


def test_prune__keeps_some_versions_and_their_files(index_file, sold, configure):
    configure(KEPT_VERSIONS=1)
    embeddings.refresh_items([product.sku for product in sold])
    built = [rebuild().pk for _ in range(4)]
    assert set(states()) == set(built[-2:])
    assert len(list(index_files.folder().iterdir())) == 2


def test_prune__rows_of_an_encoder_that_nobody_needs(sold, configure):
    configure(KEPT_VERSIONS=0)
    reindex()
    configure(ENCODER_OPTIONS={"version": "2"})
    reindex()
    assert set(Embedding.objects.values_list("encoder", flat=True)) == {"fake-2"}


def test_reason_not_to_fit__counts_no_more_images_than_it_needs(sold, monkeypatch):
    reindex()
    monkeypatch.setattr(lifecycle.catalog_fit, "LEAST", 5)
    with CaptureQueriesContext(connection) as queries:
        assert lifecycle.reason_not_to_fit() == ""
    counts = [each["sql"] for each in queries if "COUNT(" in each["sql"]]
    assert len(counts) == 1
    assert "LIMIT 5" in counts[0]


def test_roll_back__activates_the_version_before(sold):
    embeddings.refresh_items([product.sku for product in sold])
    first, second = rebuild(), rebuild()
    assert lifecycle.roll_back() == first
    assert (states()[first.pk], states()[second.pk]) == (ACTIVE, RETIRED)
    assert lifecycle.roll_back() == second


def test_roll_back__nothing_kept(db):
    with pytest.raises(lifecycle.NotUsable, match="KEPT_VERSIONS"):
        lifecycle.roll_back()


def test_activate__only_what_is_complete(sold):
    version = reindex().version
    with pytest.raises(lifecycle.NotUsable, match="active"):
        lifecycle.activate(version)
    building = lifecycle.create_version()
    with pytest.raises(lifecycle.NotUsable, match="building"):
        lifecycle.activate(building)
    IndexVersion.objects.filter(pk=building.pk).delete()
    with pytest.raises(lifecycle.NotUsable, match="deleted"):
        lifecycle.activate(building)
    assert states() == {version.pk: ACTIVE}


def test_activate__its_model_is_gone(sold):
    old = reindex().version
    reindex()
    IndexVersion.objects.filter(pk=old.pk).update(
        encoder="gone-1", encoder_options={"version": "x"}
    )
    old.refresh_from_db()
    with pytest.raises(lifecycle.NotUsable, match="restore that model"):
        lifecycle.activate(old)
    assert old.pk != lifecycle.active_version().pk


def test_activate__deleted_with_its_products_it_still_shows_only_what_is_on_sale(sold):
    first = reindex().version
    reindex()
    sold[3].delete()
    embeddings.refresh_items(["P3"])
    lifecycle.activate(IndexVersion.objects.get(pk=first.pk))
    hits = by_photo.search(photo(3), SearchRequest(limit=8)).hits
    assert len(hits) == 7
    assert "P3" not in {hit.item for hit in hits}


def test_change_of_model__the_old_one_answers_until_the_new_one_is_active(sold, configure):
    old = reindex().version
    query = by_photo.search(photo(3), SearchRequest(limit=2))
    configure(ENCODER_OPTIONS={"version": "2"})
    assert by_photo.search(photo(3), SearchRequest()).model == "fake-1"

    new = reindex(activate=False).version
    assert states() == {old.pk: ACTIVE, new.pk: READY}
    assert by_photo.search(photo(3), SearchRequest()).model == "fake-1"
    lifecycle.activate(new)
    result = by_photo.search(photo(3), SearchRequest(limit=2))
    assert (result.model, result.index_version) == ("fake-2", new.pk)
    # Paging through an earlier result still works.
    assert later_pages.later_page(PageRequest(query_id=query.query_id, limit=2)).hits == query.hits


def test_change_of_model__rows_never_meet(sold, configure):
    reindex()
    configure(ENCODER_OPTIONS={"version": "2"})
    reindex()
    current = loaded_versions.current()
    ids, _ = current.index.search(np.ones(49, np.float32) / 7, 100)
    assert set(Embedding.objects.filter(pk__in=ids).values_list("encoder", flat=True)) == {"fake-2"}
    assert len(ids) == 8


def test_change_of_model__what_is_saved_meanwhile_is_in_both(sell, sold, configure):
    reindex()
    configure(ENCODER_OPTIONS={"version": "2"})
    new = reindex(activate=False).version
    sell("NEW", picture(40))
    embeddings.refresh_items(["NEW"])
    assert by_photo.search(photo(40), SearchRequest(limit=1)).hits[0].item == "NEW"
    lifecycle.activate(new)
    assert by_photo.search(photo(40), SearchRequest(limit=1)).hits[0].item == "NEW"
    sold[0].delete()
    embeddings.refresh_items(["P0"])
    lifecycle.roll_back()
    assert by_photo.search(photo(40), SearchRequest(limit=1)).hits[0].item == "NEW"
    assert not Embedding.objects.filter(item="P0", removed=False).exists()


def test_change_of_model__page_of_a_query_whose_model_is_not_kept(sold, configure):
    configure(KEPT_VERSIONS=0)
    reindex()
    query = by_photo.search(photo(3), SearchRequest(limit=2))
    configure(ENCODER_OPTIONS={"version": "2"}, KEPT_VERSIONS=0)
    reindex()
    with pytest.raises(QueryNotFound):
        later_pages.later_page(PageRequest(query_id=query.query_id))


def test_followed__the_active_versions_model_is_needed(sold):
    version = reindex().version
    version.encoder = "gone-1"
    version.save()
    with pytest.raises(ModelUnavailable, match=r"run manage\.py visualsearch_index"):
        embeddings.refresh_items(["P0"])


def test_search__in_any_kept_version(sold):
    old = reindex().version
    reindex()
    result = by_photo.search(photo(3), SearchRequest(version=old.pk))
    assert result.index_version == old.pk
    assert by_photo.search(photo(3), SearchRequest()).index_version != old.pk


def test_evaluate__before_it_is_activated(sold, labelled):
    run = reindex()
    assert run.version.evaluation["sku"]["recall@1"] == 1
    assert run.version.evaluation["queries"] == 8
    assert run.state == Run.State.FINISHED


def test_evaluate__a_worse_version_is_held_back(sold, labelled):
    good = reindex().version
    labelled(wrong=4)
    run = reindex()
    assert run.state == Run.State.WITH_FAILURES
    assert "from 1.000 to 0.500" in run.error
    assert states() == {good.pk: ACTIVE, run.version.pk: READY}
    # The version can still be activated manually.
    lifecycle.activate(run.version)
    assert states()[run.version.pk] == ACTIVE


def test_evaluate__not_activated_because_nobody_asked(sold, labelled):
    good = reindex().version
    run = reindex(activate=False)
    assert run.state == Run.State.FINISHED
    assert states() == {good.pk: ACTIVE, run.version.pk: READY}


def test_build__figures(index_file, sold):
    figures = reindex().version.figures
    assert figures["file_bytes"] > 8 * 49 * 2
    assert figures["build_seconds"] >= 0
    assert figures["structure"]


def test_is_outdated__options_of_the_index(sold, configure):
    version = reindex().version
    assert not lifecycle.is_outdated(version)
    configure(INDEX="visualsearch.indexes.exact.ExactIndex")
    assert lifecycle.is_outdated(version)
    run = reindex(Run.Scope.MISSING)
    assert run.version.backend.endswith("ExactIndex")
    assert run.encoded == 0


def test_change_of_model__what_a_run_finds_changed_is_in_the_kept_version_too(sold, configure):
    reindex()
    configure(ENCODER_OPTIONS={"version": "2"})
    reindex()
    file = sold[3].images.get().image
    with file.storage.open(file.name, "wb") as stored:  # sends no signal
        stored.write(encoded(picture(40), "PNG"))
    run = reindex()
    assert (run.encoded, run.unchanged) == (1, 7)
    for model in ("fake-2", "fake-1"):
        best = by_photo.search(photo(40), SearchRequest(limit=1))
        assert (best.model, best.hits[0].item) == (model, "P3")
        assert best.hits[0].score > 0.99
        roll_back_to_another_model(model)


def roll_back_to_another_model(model):
    others = IndexVersion.objects.filter(state=RETIRED).exclude(encoder=model)
    lifecycle.activate(others.order_by("-activated").first())


@pytest.mark.parametrize("scope", [Run.Scope.CHOSEN, Run.Scope.FAILED])
def test_change_of_model__some_items_never_make_a_version(sold, configure, scope):
    version = reindex().version
    file = sold[3].images.get().image
    with file.storage.open(file.name, "wb") as stored:
        stored.write(encoded(picture(40), "PNG"))
    Embedding.objects.filter(item="P3").update(error="bad")
    configure(ENCODER_OPTIONS={"version": "2"})
    run = reindex(scope, keys=["P3"])
    assert (run.encoded, run.version) == (1, None)
    assert states() == {version.pk: ACTIVE}
    assert by_photo.search(photo(40), SearchRequest(limit=1)).hits[0].item == "P3"


def test_change_of_model__its_files_are_replaced_where_they_lie(sold, configure, tmp_path):
    """An upgrade of the package replaces the model files in place."""
    package = tmp_path / "model"
    shutil.copytree(SHIPPED_MODEL, package)
    configure(ENCODER=DEFAULTS["ENCODER"], ENCODER_OPTIONS={"package": package})
    old = reindex().version
    shutil.rmtree(package)
    shutil.copytree(SHIPPED_MODEL.with_name("shopnet-fp32"), package)
    configure(ENCODER_OPTIONS={"package": str(package)})  # as if all processes restarted
    assert lifecycle.is_outdated(old)
    result = by_photo.search(photo(3), SearchRequest(limit=1))
    assert (result.model, result.hits[0].item) == (old.encoder, "P3")

    new = reindex().version
    assert by_photo.search(photo(3), SearchRequest(limit=1)).model == new.encoder != old.encoder
    lifecycle.roll_back()
    assert by_photo.search(photo(3), SearchRequest(limit=1)).model == old.encoder

    configure(ENCODER_OPTIONS={"package": str(package)}, KEPT_VERSIONS=0)
    reindex()
    assert [copy.name for copy in version_encoders.copy_folder("any").parent.iterdir()] == [
        new.encoder
    ]
