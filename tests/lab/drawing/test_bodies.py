import numpy as np

from ml_models.lab.drawing.bodies import MONK, tone


def test_tone__all_skins_are_drawn():
    """A third each of the lighter, the middle and the darker tones."""
    rng = np.random.default_rng(0)
    light = np.array([np.mean(tone(rng)) for _ in range(600)])
    edges = 0.92 * np.array([np.mean(MONK[3]), np.mean(MONK[6])])
    shares = [(light > edges[0]).mean(), (light < edges[1]).mean()]
    assert min(*shares, 1 - sum(shares)) > 0.2
