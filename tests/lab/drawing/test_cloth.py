import numpy as np

from ml_models.lab.drawing.cloth import cloth


def test_cloth__plain():
    made = cloth(np.random.default_rng(0), 4, fancy=0)
    assert np.unique(made.fill((20, 30)).reshape(-1, 3), axis=0).tolist() == [list(made.colour)]


def test_cloth__patterns_keep_their_colour_on_most_of_it():
    shares = []
    for seed in range(60):
        made = cloth(np.random.default_rng(seed), 4, fancy=1)
        pixels = made.fill((90, 120)).reshape(-1, 3)
        assert len(np.unique(pixels, axis=0)) > 1
        shares.append((np.abs(pixels - made.colour).max(1) < 1).mean())
    assert np.median(shares) > 0.5
    assert min(shares) > 0.25


def test_cloth__is_the_same_each_time():
    made = cloth(np.random.default_rng(3), 4, fancy=1)
    assert np.array_equal(made.fill((50, 60)), made.fill((50, 60)))
