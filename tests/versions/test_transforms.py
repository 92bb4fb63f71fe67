"""Versions fitted to their catalog: rows keep raw vectors, the index holds fitted ones."""

import csv

import numpy as np
import pytest
from django.utils import timezone
from PIL import Image

from tests.helpers.pictures import encoded, picture, plain
from tests.helpers.reindex import rebuild, reindex
from visualsearch.evaluation import labelled_photos
from visualsearch.indexes import catalog_fit
from visualsearch.indexes.catalog_fit import Fit
from visualsearch.indexes.exact import ExactIndex
from visualsearch.models import (
    Embedding,
    Event,
    Experiment,
    IndexVersion,
    Query,
    Run,
    from_bytes,
    to_bytes,
)
from visualsearch.photos.decode import Limits, open_photo
from visualsearch.reindex import drift, embeddings, scopes
from visualsearch.reindex.runs import NotPossible
from visualsearch.search import by_photo, later_pages, similar_items
from visualsearch.search.requests import PageRequest, SearchRequest, SimilarRequest
from visualsearch.serving import index_files, live_index, loaded_versions, version_encoders
from visualsearch.versions import gate, lifecycle, transforms

COUNT = 12


def garment(n, tint="red"):
    """Return a picture blended half with ``tint``, as all others of that tint."""
    return Image.blend(picture(n), plain(tint, picture(n).size), 0.5)


def photo(n, tint="red"):
    return open_photo(encoded(garment(n, tint)), limits=Limits())


@pytest.fixture(autouse=True)
def small_catalogs(monkeypatch):
    """Let twelve pictures be enough to fit a catalog."""
    monkeypatch.setattr(catalog_fit, "LEAST", COUNT)


@pytest.fixture
def stocked(sell):
    return [sell(f"P{n}", garment(n)) for n in range(COUNT)]


@pytest.fixture
def unfitted(stocked, configure):
    """A version without a fit."""
    configure(FIT=False)
    version = reindex().version
    configure(FIT=True)
    return version


def raw_rows():
    rows = Embedding.objects.searchable().order_by("pk").values_list("pk", "item", "vector")
    pks, items, stored = zip(*rows, strict=True)
    return np.array(pks), items, np.stack([from_bytes(each) for each in stored])


def oracle(version, n, tint="red"):
    """Return items and scores of an exact search among the rows by the version's fit."""
    pks, items, rows = raw_rows()
    query = from_bytes(
        to_bytes(version_encoders.configured_encoder().encode([photo(n, tint).image]).embeddings[0])
    )
    if version.fit:
        fit = Fit.from_json(version.fit)
        rows, query = fit.apply(rows), fit.apply(query)
    index = ExactIndex(rows.shape[1])
    index.add(pks, rows)
    found, scores = index.search(query, len(pks))
    names = dict(zip(pks.tolist(), items, strict=True))
    return [names[pk] for pk in found.tolist()], scores


def answers_like(result, version, n, tint="red"):
    items, scores = oracle(version, n, tint)
    assert [hit.item for hit in result.hits] == items[: len(result.hits)]
    assert [hit.score for hit in result.hits] == pytest.approx(scores[: len(items)], abs=2e-3)
    return True


def active():
    return lifecycle.active_version()


def test_search__is_that_of_an_exact_index_of_fitted_rows(stocked):
    version = reindex().version
    assert version.fit["chosen"] == "catalog"
    assert version.fit["images"] == COUNT
    for n in range(COUNT):
        assert answers_like(by_photo.search(photo(n), SearchRequest(limit=COUNT)), version, n)
    _, raw = oracle(IndexVersion(), 3)
    _, fitted = oracle(version, 3)
    assert fitted[5] < raw[5] - 0.2


def test_search__of_an_old_version_and_after_roll_back(unfitted):
    assert unfitted.fit is None
    assert answers_like(by_photo.search(photo(3), SearchRequest(limit=COUNT)), unfitted, 3)
    version = reindex().version
    assert version.fit
    assert answers_like(by_photo.search(photo(3), SearchRequest(limit=COUNT)), version, 3)
    assert answers_like(
        by_photo.search(photo(3), SearchRequest(limit=COUNT, version=unfitted.pk)), unfitted, 3
    )
    lifecycle.roll_back()
    assert answers_like(by_photo.search(photo(3), SearchRequest(limit=COUNT)), unfitted, 3)


def test_search__after_changes_are_replayed(stocked, sell):
    version = reindex().version
    by_photo.search(photo(3), SearchRequest())
    sell("NEW", garment(40))
    stocked[0].delete()
    embeddings.refresh_items(["NEW", "P0"])
    result = by_photo.search(photo(40), SearchRequest(limit=COUNT))
    assert result.hits[0].item == "NEW"
    assert answers_like(result, version, 40)
    assert active().fit == version.fit
    assert drift.find_drift().clean


def test_search__after_the_index_was_lost(stocked):
    version = reindex().version
    before = by_photo.search(photo(3), SearchRequest(limit=COUNT)).hits
    loaded_versions.unload_all()
    assert by_photo.search(photo(3), SearchRequest(limit=COUNT)).hits == before
    if version.file:
        (index_files.folder() / version.file).write_bytes(b"torn")
    else:
        live_index.empty_index(version, version_encoders.encoder_of(version)).drop()
    loaded_versions.unload_all()
    assert by_photo.search(photo(3), SearchRequest(limit=COUNT)).hits == before


def test_check__notices_an_index_of_other_vectors(stocked):
    version = reindex().version
    assert drift.find_drift().index_differs == 0
    IndexVersion.objects.filter(pk=version.pk).update(fit=None)
    loaded_versions.unload_all()
    assert drift.find_drift().index_differs == COUNT


def test_page__goes_on_in_any_version_of_the_model(unfitted):
    query = by_photo.search(photo(3), SearchRequest(limit=2))
    version = reindex().version
    assert answers_like(
        later_pages.later_page(PageRequest(query_id=query.query_id, limit=COUNT)), version, 3
    )
    old = by_photo.search(photo(3), SearchRequest(limit=COUNT, version=unfitted.pk))
    assert answers_like(old, unfitted, 3)
    assert [
        hit.item
        for hit in later_pages.later_page(
            PageRequest(query_id=query.query_id, limit=3, offset=2)
        ).hits
    ] == oracle(version, 3)[0][2:5]


def test_similar__compares_fitted_pictures(stocked):
    version = reindex().version
    _, items, rows = raw_rows()
    fitted = Fit.from_json(version.fit).apply(rows)
    scores = fitted @ fitted[items.index("P4")]
    hits = similar_items.find_similar(SimilarRequest(item="P4", limit=COUNT)).hits
    expected = [items[k] for k in np.argsort(-scores) if items[k] != "P4"]
    assert [hit.item for hit in hits] == expected
    assert hits[0].score == pytest.approx(np.sort(scores)[-2], abs=2e-3)


def test_matched__by_raw_similarity(stocked, configure):
    reindex()
    found = by_photo.search(photo(90), SearchRequest())
    _, items, rows = raw_rows()
    query = from_bytes(Query.objects.get(pk=found.query_id).vector)
    raw = float(rows[items.index(found.hits[0].item)] @ query)
    like = similar_items.find_similar(SimilarRequest(item="P3"))
    raw_like = float(rows[items.index(like.hits[0].item)] @ rows[items.index("P3")])
    assert abs(raw - found.hits[0].score) > 0.05
    assert abs(raw_like - like.hits[0].score) > 0.05
    for change, matched in ((-0.01, True), (0.01, False)):
        configure(ENCODER_OPTIONS={"match_threshold": raw + change})
        assert by_photo.search(photo(90), SearchRequest()).matched is matched
        assert later_pages.later_page(PageRequest(query_id=found.query_id)).matched is matched
        configure(ENCODER_OPTIONS={"match_threshold": raw_like + change})
        assert similar_items.find_similar(SimilarRequest(item="P3")).matched is matched


def test_matched__of_a_version_without_a_fit_by_the_encoders(unfitted, configure):
    best = by_photo.search(photo(90), SearchRequest()).hits[0].score
    for threshold, matched in ((best - 0.01, True), (best + 0.01, False)):
        configure(ENCODER_OPTIONS={"match_threshold": threshold})
        assert by_photo.search(photo(90), SearchRequest()).matched is matched


def test_evaluate__in_a_version(unfitted, tmp_path):
    version = reindex().version
    (tmp_path / "q.jpg").write_bytes(encoded(garment(3)))
    photos = [labelled_photos.LabelledPhoto(image=tmp_path / "q.jpg", item="P3")]
    for each in (unfitted, version):
        assert labelled_photos.evaluate(photos, version=each.pk)["sku"]["recall@1"] == 1


def test_fit__switched_off(stocked, configure):
    configure(FIT=False)
    assert reindex().version.fit is None
    assert not scopes.needs_fit()
    assert "FIT" in lifecycle.reason_not_to_fit()


def test_fit__of_too_few_pictures(stocked, monkeypatch):
    monkeypatch.setattr(catalog_fit, "LEAST", COUNT + 1)
    version = reindex().version
    assert version.fit is None
    assert answers_like(by_photo.search(photo(3), SearchRequest(limit=COUNT)), version, 3)
    assert "at least 13 images" in lifecycle.reason_not_to_fit()


def add(sell, numbers, tint="red"):
    """Create more products and index them by a run over these items."""
    keys = [sell(f"N{n}", garment(n, tint)).sku for n in numbers]
    return reindex(Run.Scope.CHOSEN, keys=keys)


def test_growth__by_half_fits_anew_once(stocked, sell):
    first = reindex().version
    assert add(sell, range(20, 25)).version is None
    run = add(sell, [25])
    assert run.encoded == 1
    assert run.version.fit["images"] == 18
    assert active() == run.version
    assert active().fit["mean"] != first.fit["mean"]
    assert answers_like(by_photo.search(photo(25), SearchRequest(limit=18)), active(), 25)
    assert add(sell, [26]).version is None


def test_growth__a_first_fit(unfitted, sell):
    run = add(sell, [20])
    assert run.version.fit["images"] == COUNT + 1
    assert add(sell, [21]).version is None


def test_growth__a_shop_that_began_with_nothing(stocked):
    embeddings.refresh_items([product.sku for product in stocked])
    assert not active().figures
    run = reindex(Run.Scope.CHOSEN, keys=["P1"])
    assert run.version.fit
    assert run.encoded == 0


def test_growth__what_was_rolled_back_is_not_built_again(unfitted, sell):
    reindex()
    lifecycle.roll_back()
    assert add(sell, [20]).version is None
    assert active() == unfitted


def test_growth__what_was_held_back_is_not_built_again(unfitted, sell, configure, monkeypatch):
    configure(KEPT_VERSIONS=0)
    monkeypatch.setattr(gate, "reason_to_hold_back", lambda version: "worse")
    run = add(sell, [20])
    assert run.error == "worse"
    assert active() == unfitted
    assert add(sell, [21]).version is None


def test_growth__not_during_an_experiment(unfitted, sell):
    tried = rebuild()
    lifecycle.roll_back()
    IndexVersion.objects.filter(pk=tried.pk).update(fit=None)
    experiment = Experiment.objects.create(name="New fit", version=tried)
    assert add(sell, [20]).version is None
    experiment.stop()
    assert add(sell, [21]).version is not None


def test_growth__not_for_another_model_than_the_settings(unfitted, configure):
    configure(ENCODER_OPTIONS={"version": "2"})
    assert reindex(Run.Scope.CHOSEN, keys=["P1"]).version is None


def test_moved__another_season(stocked, sell):
    reindex()
    sold = [product.sku for product in stocked[:8]]
    for product in stocked[:8]:
        product.delete()
    keys = [sell(f"N{n}", garment(n, "blue")).sku for n in range(30, 38)]
    run = reindex(Run.Scope.CHOSEN, keys=[*sold, *keys])
    assert run.version.fit["images"] == COUNT
    assert reindex(Run.Scope.CHOSEN, keys=keys).version is None


def test_sample__evenly_and_with_some_items(stocked, monkeypatch):
    reindex()
    encoder = version_encoders.configured_encoder()
    _, items, vectors = raw_rows()
    rows = transforms.sample_rows(encoder, 4)
    assert rows.items == [items[place] for place in (0, 3, 7, 11)]
    assert (rows.vectors == vectors[[0, 3, 7, 11]]).all()
    assert rows.images == COUNT
    more = transforms.sample_rows(encoder, 4, [items[1], items[3], "gone"])
    assert more.items == [items[place] for place in (0, 1, 3, 7, 11)]
    monkeypatch.setattr(transforms, "MAX_PARAMETERS", 3)
    all_rows = transforms.sample_rows(encoder, 100)
    assert tuple(all_rows.items) == items
    assert (all_rows.vectors == vectors).all()


def swapped(n):
    """Return the lower half of garment(n) below the upper half of another garment."""
    lower, upper = garment(n), garment(500 + n)
    width, height = lower.size
    upper.paste(lower.crop((0, height // 2, width, height)), (0, height // 2))
    return upper


@pytest.fixture
def labelled(tmp_path, configure, stocked):
    """Labelled photos whose lower half shows the product and whose upper half another one."""
    configure(ENCODER="tests.helpers.parted.PartedEncoder")
    path = tmp_path / "queries.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "sku"])
        for n in range(COUNT):
            (tmp_path / f"{n}.jpg").write_bytes(encoded(swapped(n)))
            writer.writerow([f"{n}.jpg", f"P{n}"])
    configure(LABELLED_QUERIES=str(path))


def test_labels__choose_the_shares_and_the_version_is_activated(labelled):
    first = reindex().version
    run = reindex(Run.Scope.FIT)
    assert (run.items, run.encoded, run.state) == (0, 0, Run.State.FINISHED)
    fit = run.version.fit
    assert (fit["chosen"], fit["judged_by"], fit["better"]) == ("labels", "labels", True)
    assert Fit.from_json(fit).shares["lower"] > 0.5
    assert [option["name"] for option in fit["tried"]] == ["now", "catalog", "labels"]
    assert active() == run.version
    assert run.version.evaluation["sku"]["mrr"] > first.evaluation["sku"]["mrr"] + 0.1
    # The table's figures of the previous search are those of its evaluation.
    assert fit["tried"][0]["mrr"] == pytest.approx(first.evaluation["sku"]["mrr"], abs=0.02)


def test_labels__their_shares_stay_when_the_catalog_is_reindexed(labelled):
    reindex()
    shares = Fit.from_json(reindex(Run.Scope.FIT).version.fit).shares
    version = reindex().version
    assert version.fit["chosen"] == "labels"
    assert Fit.from_json(version.fit).shares == shares


def test_labels__no_better_is_not_activated(labelled):
    reindex()
    second = reindex(Run.Scope.FIT).version
    run = reindex(Run.Scope.FIT)
    assert "on 12 labelled searches, it finds no more products" in run.error
    assert active() == second
    assert run.version.state == IndexVersion.State.READY


def test_labels__without_any_the_catalog_decides(unfitted):
    run = reindex(Run.Scope.FIT)
    assert active() == run.version
    assert run.version.fit["chosen"] == "catalog"
    assert "tried" not in run.version.fit


def test_fit__refused_where_the_settings_ask_for_another_model(unfitted, configure):
    configure(ENCODER_OPTIONS={"version": "2"})
    with pytest.raises(NotPossible, match="another model"):
        reindex(Run.Scope.FIT)
    assert Run.objects.count() == 1


def test_clicks__are_labels_where_there_are_enough(stocked, monkeypatch):
    reindex()
    encoder = version_encoders.configured_encoder()
    monkeypatch.setattr(transforms, "LEAST_CLICKED", 3)
    queries = [by_photo.search(photo(n), SearchRequest()).query_id for n in (1, 2, 3)]
    for query, item in zip(queries[:2], ("P1", "P2"), strict=True):
        Event.objects.create(query_id=query, kind="click", item=item, rank=1)
    Event.objects.create(query_id=queries[0], kind="purchase", item="P5", rank=2)
    Event.objects.create(query_id=queries[2], kind="view", item="P3", rank=1)
    assert transforms.read_labels(encoder) is None
    Event.objects.create(query_id=queries[2], kind="basket", item="P3", rank=1)
    found = transforms.read_labels(encoder)
    assert found.source == "clicks"
    assert dict(zip(found.items, found.vectors.argmax(1), strict=True)).keys() == {"P5", "P2", "P3"}
    place = found.items.index("P2")
    stored = from_bytes(Query.objects.get(pk=queries[1]).vector)
    assert (found.vectors[place] == stored).all()
    Query.objects.filter(pk=queries[1]).update(expires=timezone.now())
    assert transforms.read_labels(encoder) is None
