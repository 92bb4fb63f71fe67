import numpy as np
import pytest

from visualsearch.encoders.parts import Part
from visualsearch.indexes import tuning_by_labels
from visualsearch.indexes.catalog_fit import fit
from visualsearch.indexes.tuning_by_labels import (
    Labelled,
    cross_validated,
    grid,
    is_sure,
    ranks,
    tune,
)

PARTS = (Part(name="shape", size=16, share=0.7), Part(name="colour", size=8, share=0.3))


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def joined(shape, colour):
    parts = [np.sqrt(0.7) * unit(shape), np.sqrt(0.3) * unit(colour)]
    return np.hstack(parts).astype(np.float32)


def shop(queries=150, items=300, shape_noise=3.0, colour_noise=0.3, seed=0):
    """Return items with two pictures each, and queries with more noise in one part."""
    rng = np.random.default_rng(seed)
    shape, colour = rng.standard_normal((items, 16)), rng.standard_normal((items, 8))
    owners = np.tile(np.arange(items), 2)
    rows = joined(
        shape[owners] + rng.standard_normal((2 * items, 16)) * 0.3,
        colour[owners] + rng.standard_normal((2 * items, 8)) * 0.1,
    )
    right = rng.permutation(items)[:queries]
    asked = joined(
        shape[right] + rng.standard_normal((queries, 16)) * shape_noise,
        colour[right] + rng.standard_normal((queries, 8)) * colour_noise,
    )
    return Labelled(queries=asked, right=right, rows=rows, owners=owners)


def fitted(labelled, **shares):
    return fit(labelled.rows, PARTS, shares or None)


def test_grid__all_shares_that_add_up_to_one():
    assert grid(1).tolist() == [[1]]
    assert len(grid(2)) == 11
    assert len({tuple(each) for each in grid(3).round(3).tolist()}) == 66
    assert grid(3).sum(1) == pytest.approx(1)
    assert grid(3).min() == 0


def test_ranks__by_the_best_picture_of_each_item(monkeypatch):
    monkeypatch.setattr(tuning_by_labels, "TOGETHER", 7)
    labelled = shop(queries=40)
    made = fitted(labelled, shape=0.2, colour=0.8)
    found = ranks(labelled, made.directions, PARTS, np.array([[0.7, 0.3], [0.2, 0.8]], np.float32))
    scores = made.apply(labelled.queries) @ made.apply(labelled.rows).T
    for query, item in enumerate(labelled.right):
        order = list(dict.fromkeys(labelled.owners[np.argsort(-scores[query])].tolist()))
        assert found[1, query] == order.index(item) + 1
    assert (found[0] != found[1]).any()


def test_ranks__of_an_item_without_rows():
    labelled = shop(queries=5)
    labelled.right[2], labelled.right[3] = -1, 9999
    found = tuning_by_labels.ranks_now(labelled, None)
    assert (found == 0).tolist() == [False, False, True, True, False]
    assert tuning_by_labels.figures(found)["recall@10"] <= 0.6


def test_tune__labels_decide_where_they_are_sure():
    labelled = shop()
    tuned = tune(labelled, fitted(labelled), None)
    assert tuned.by_labels
    assert tuned.better
    assert tuned.shares["colour"] > 0.6
    now, catalog, labels = (option.figures["mrr"] for option in tuned.options)
    assert labels > catalog + 0.05
    assert now == pytest.approx(catalog, abs=0.1)
    assert tuned.queries == 150


def test_tune__few_labels_do_not_decide():
    labelled = shop(queries=150, shape_noise=1.2, colour_noise=1.2, seed=3)
    few = Labelled(
        queries=labelled.queries[:6], right=labelled.right[:6],
        rows=labelled.rows, owners=labelled.owners,
    )  # fmt: skip
    tuned = tune(few, fitted(labelled), None)
    assert not tuned.by_labels
    assert tuned.shares == {"shape": 0.7, "colour": 0.3}


def test_tune__is_no_better_than_what_it_chose_before():
    labelled = shop()
    first = tune(labelled, fitted(labelled), None)
    again = tune(labelled, fitted(labelled), fitted(labelled, **first.shares))
    assert not again.better


def test_cross_validated__an_item_is_not_in_two_folds():
    """Each item is found only by its own shares, so shares chosen without it find nothing."""
    right = np.repeat(np.arange(10), [9, *[3] * 9])
    found = np.where(right == np.arange(10)[:, None], 1, 100)
    _, unseen = cross_validated(found, right)
    assert (unseen == 100).all()


def test_is_sure__queries_of_one_item_count_once():
    gain = 0.3 + np.tile([1.0, -1.0], 6)
    assert not is_sure(gain, np.arange(12))
    assert not is_sure(np.repeat(gain, 50), np.repeat(np.arange(12), 50))
    assert is_sure(np.full(12, 0.1), np.arange(12))
    assert not is_sure(np.zeros(12), np.arange(12))
