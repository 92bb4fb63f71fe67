import numpy as np
import pytest
from PIL import Image

from ml_models.lab.drawing.object_scenes import BACKGROUNDS, arrange, compose, covered
from ml_models.lab.drawing.things import blob, varied, worn_thing


def thing(colour, size):
    return Image.new("RGBA", size, colour)


def test_compose__things_are_in_their_boxes():
    rng = np.random.default_rng(0)
    ground = Image.new("RGB", (300, 200), "white")
    things = [thing("red", (40, 20)), thing("blue", (10, 30))]
    made = compose(things, [0.2, 0.1], ground, rng, 0)
    for colour, area, (x, y, w, h) in zip(
        ((255, 0, 0), (0, 0, 255)), (0.2, 0.1), made.boxes, strict=True
    ):
        here = (np.asarray(made.image) == colour).all(2)
        rows, columns = np.flatnonzero(here.any(1)), np.flatnonzero(here.any(0))
        assert (columns[0] / 300, rows[0] / 200) == pytest.approx((x, y), abs=0.006)
        assert w * h == pytest.approx(area, rel=0.05)
        assert here.mean() == pytest.approx(w * h, rel=0.02)


def test_compose__no_room():
    ground = Image.new("RGB", (100, 100))
    things = [thing("red", (40, 40))] * 3
    assert compose(things, [0.5] * 3, ground, np.random.default_rng(0), 0) is None


def test_arrange__little_is_covered():
    for seed in range(20):
        places = arrange([(40, 30)] * 4, (120, 120), np.random.default_rng(seed), 0.1)
        for k, a in enumerate(places or []):
            assert all(covered(a, b) <= 0.1 for b in places[:k])


def test_covered__by_hand():
    assert covered((0, 0, 10, 10), (5, 0, 20, 20)) == 0.5
    assert covered((0, 0, 10, 10), (10, 0, 5, 5)) == 0


@pytest.mark.parametrize("make", BACKGROUNDS)
def test_background__size_and_seed(make):
    first, again, other = (make((120, 80), np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (first.mode, first.size) == ("RGB", (120, 80))
    assert first.tobytes() == again.tobytes() != other.tobytes()


def test_things__fill_their_picture():
    rng = np.random.default_rng(0)
    red = thing("red", (60, 80))
    made = [varied(red, rng) for _ in range(10)]
    made += [blob(red, rng) for _ in range(10)] + [worn_thing(rng)[1] for _ in range(10)]
    for each in made:
        solid = np.asarray(each)[..., 3] > 100
        assert each.mode == "RGBA"
        assert solid[0].any() or solid[:2].any()
        assert solid[:, :2].any()
        assert solid.mean() > 0.2
