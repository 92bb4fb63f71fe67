import json
import time

import numpy as np
import pytest

from visualsearch.encoders.parts import Part, whole
from visualsearch.indexes import catalog_fit
from visualsearch.indexes.catalog_fit import Fit, fit

PARTS = (Part(name="shape", size=24, share=0.7), Part(name="tint", size=8, share=0.3))
PLACES = (slice(0, 24), slice(24, 32))


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def vectors(count=400, seed=0, common=1.0):
    """Return embeddings that share a direction, ``common`` times as long as the rest."""
    rng = np.random.default_rng(seed)
    always = np.random.default_rng(7)
    joined = []
    for part in PARTS:
        offset = unit(always.standard_normal((1, part.size))) * common * np.sqrt(part.size)
        joined.append(np.sqrt(part.share) * unit(rng.standard_normal((count, part.size)) + offset))
    return np.hstack(joined).astype(np.float32)


def by_hand(rows, means=(0, 0)):
    """Compute a fit in plain NumPy, as documented."""
    parts = [
        np.sqrt(part.share) * unit(unit(rows[:, place]) - mean)
        for part, place, mean in zip(PARTS, PLACES, means, strict=True)
    ]
    return np.hstack(parts).astype(np.float32)


def test_apply__centres_each_part():
    rows, others = vectors(), vectors(seed=1)
    fitted = fit(rows, PARTS).apply(others)
    assert fitted.dtype == np.float32
    assert fitted == pytest.approx(
        by_hand(others, [unit(rows[:, place]).mean(0) for place in PLACES]), abs=1e-5
    )
    assert np.linalg.norm(fitted, axis=1) == pytest.approx(1, abs=1e-5)


def test_apply__one_vector_as_many(monkeypatch):
    rows = vectors()
    made = fit(rows, PARTS)
    monkeypatch.setattr(catalog_fit, "ROWS", 7)
    assert made.apply(rows[3]) == pytest.approx(made.apply(rows)[3], abs=1e-6)
    assert fit(rows, PARTS).mean == pytest.approx(made.mean, abs=1e-6)


def test_apply__score_is_the_sum_of_share_times_cosine():
    rows = vectors()
    made = fit(rows, PARTS, {"shape": 0.4, "tint": 0.6})
    a, b = made.apply(rows[0]), made.apply(rows[1])
    cosines = [
        a[place] @ b[place] / np.linalg.norm(a[place]) / np.linalg.norm(b[place])
        for place in PLACES
    ]
    assert a @ b == pytest.approx(0.4 * cosines[0] + 0.6 * cosines[1], abs=1e-5)
    assert made.shares == {"shape": 0.4, "tint": 0.6}


def test_apply__a_part_without_a_direction_stays_zero():
    rows = vectors()
    made = fit(rows, PARTS)
    without = rows[0].copy()
    without[PLACES[1]] = 0
    fitted = made.apply(without)
    assert not fitted[PLACES[1]].any()
    assert fitted[PLACES[0]] == pytest.approx(made.apply(rows[0])[PLACES[0]])
    assert not made.apply(np.zeros(32, np.float32)).any()
    # The mean itself becomes zero by centring.
    alike = np.repeat(rows[:1], 60, axis=0)
    assert np.isfinite(fit(alike, PARTS).apply(alike)).all()


def test_apply__finds_what_is_hidden_behind_what_all_have_in_common():
    """Pictures differ in their share of the common direction, which carries no information."""
    rng = np.random.default_rng(2)
    own, common = rng.standard_normal((300, 32)), rng.standard_normal(32) * 3

    def taken():
        seen = own + rng.standard_normal((300, 32)) * 0.3 + common * rng.random((300, 1))
        return by_hand(seen)

    rows, queries = taken(), taken()
    made = fit(rows, PARTS)
    right = np.arange(len(rows))
    raw = ((queries @ rows.T).argmax(1) == right).mean()
    fitted = ((made.apply(queries) @ made.apply(rows).T).argmax(1) == right).mean()
    assert fitted > raw + 0.02


def test_fit__in_json():
    rows = vectors()
    made = fit(rows, PARTS)
    again = Fit.from_json(json.loads(json.dumps(made.to_json())))
    assert (again.parts, again.images) == (made.parts, 400)
    assert (again.apply(rows) == made.apply(rows)).all()


def test_fit__of_a_sample():
    assert fit(vectors(), PARTS, images=90_000).images == 90_000


def test_choose_shares__of_other_parts_are_their_own():
    assert catalog_fit.choose_shares(vectors(), PARTS) == {"shape": 0.7, "tint": 0.3}


KINDS = 10
OURS = (
    Part(name="features", size=24, share=0.6),
    Part(name="colour", size=8, share=0.3),
    Part(name="class", size=KINDS, share=0.1),
)


def catalog(*, sure=0.97, kinds=KINDS, alike=0.0, count=300):
    """Return random embeddings of pictures of ``kinds`` classes, each with probability ``sure``."""
    rng = np.random.default_rng(3)
    features = unit(rng.standard_normal((count, 24))) + alike * np.eye(24)[0]
    colour = unit(rng.standard_normal((count, 8)))
    probabilities = np.full((count, KINDS), (1 - sure) / (KINDS - 1))
    probabilities[np.arange(count), np.arange(count) % kinds] = sure
    softened = unit(probabilities**0.25)
    units = (unit(features), colour, softened)
    joined = [np.sqrt(part.share) * each for part, each in zip(OURS, units, strict=True)]
    return np.hstack(joined).astype(np.float32)


def test_choose_shares__classes_count_where_they_tell_pictures_apart():
    found = {
        name: catalog_fit.choose_shares(catalog(**kind), OURS)
        for name, kind in {
            "varied": {},
            "less sure": {"sure": 0.75},
            "one kind": {"kinds": 1},
            "no idea": {"sure": 0.1},
        }.items()
    }
    assert all(sum(shares.values()) == pytest.approx(1) for shares in found.values())
    assert found["varied"]["class"] == pytest.approx(0.3)
    assert found["varied"]["features"] == pytest.approx(0.7 * 0.8)
    assert 0 < found["less sure"]["class"] < 0.3
    assert found["one kind"] == found["no idea"] == {"features": 0.8, "colour": 0.2, "class": 0}


def test_choose_shares__colour_counts_where_features_are_alike():
    shares = [
        catalog_fit.choose_shares(catalog(kinds=1, alike=alike), OURS)["colour"]
        for alike in (0, 0.8, 2)
    ]
    assert shares[0] == pytest.approx(0.2)
    assert 0.2 < shares[1] < 0.5
    assert shares[2] == pytest.approx(0.5)


def test_choose_shares__of_any_catalog_are_read_again():
    for step in range(100):
        rows = catalog(sure=0.6 + step / 300, alike=0.5 + step / 100, count=40)
        fitted = fit(rows, OURS, catalog_fit.choose_shares(rows, OURS))
        assert Fit.from_json(fitted.to_json()).parts == fitted.parts
        assert sum(part.share for part in fitted.parts) == pytest.approx(1, abs=1e-9)


def test_choose_shares__without_classes():
    shares = catalog_fit.choose_shares(catalog()[:, :32], OURS[:2])
    assert shares == {"features": 0.8, "colour": 0.2}


def test_choose_shares__do_not_depend_on_the_models_shares():
    rows = catalog(sure=0.75, alike=0.8)
    longer = np.hstack([rows[:, :24] * 2, rows[:, 24:32], rows[:, 32:] * 0.3])
    assert catalog_fit.choose_shares(longer, OURS) == catalog_fit.choose_shares(rows, OURS)


def test_distance__of_another_catalog():
    made = fit(vectors(), PARTS)
    assert catalog_fit.distance(made, vectors(seed=3)) < 0.1
    assert catalog_fit.distance(made, -vectors(seed=3)) > 0.5


def test_whole__of_an_encoder_that_names_no_parts():
    rows = vectors()
    made = fit(rows, whole(32))
    assert made.apply(rows) == pytest.approx(unit(rows - rows.mean(0)), abs=1e-5)


def test_speed__of_one_query():
    made = fit(vectors(), PARTS)
    query = vectors(1)[0]
    made.apply(query)
    best = min(timed(lambda: [made.apply(query) for _ in range(100)]) for _ in range(5))
    assert best / 100 < 1e-3  # it takes some 0.03 ms; this is for a busy machine


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
