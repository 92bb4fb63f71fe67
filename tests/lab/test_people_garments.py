"""Cloth and cuts of drawn garments."""

import numpy as np
import pytest

from ml_models.lab.people_bodies import body, set_arm
from ml_models.lab.people_garments import cloth, sleeve, trunk

SIZE = (320, 480)


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


@pytest.mark.parametrize("seed", range(5))
def test_trunk__ends_at_its_hem(seed):
    someone = body(np.random.default_rng(seed), SIZE)
    for hem in (0.47, 0.6):
        outline = trunk(someone, hem, 1)
        assert outline[:, 1].max() == pytest.approx(someone.at(0, hem)[1], abs=someone.unit)
    assert outline[:, 0].min() < someone.shoulders[0][0]


def test_sleeve__ends_where_it_should():
    someone = body(np.random.default_rng(1), SIZE)
    set_arm(someone, 0, 10, 5)
    short, long = (np.concatenate(sleeve(someone, 0, share, 0)) for share in (0.25, 1))
    near = np.hypot(*(long - someone.wrists[0]).T).min()
    assert near < 3 * someone.unit
    assert np.hypot(*(short - someone.wrists[0]).T).min() > 10 * someone.unit
