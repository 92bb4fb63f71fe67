"""Cloth and cuts of drawn garments."""

import numpy as np
import pytest

from ml_models.lab.drawing.bodies import body, set_arm
from ml_models.lab.drawing.tops import sleeve, trunk

SIZE = (320, 480)


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
