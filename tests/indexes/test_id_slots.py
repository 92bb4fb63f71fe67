import numpy as np
import pytest

from visualsearch.indexes.id_slots import Places


@pytest.mark.parametrize("step", [1, 7, 10**9])
def test_find__dense_and_sparse_ids(step):
    rng = np.random.default_rng(0)
    ids = rng.permutation(5000) * step + 3
    places = Places()
    places.append(ids)
    places.kill(np.arange(0, 5000, 10))
    asked = rng.choice(ids, 300, replace=False)
    asked = np.concatenate([asked, asked[:5], [-9, 2, 2**62]])
    found, mask = places.find(asked)
    wanted = {at for at in range(5000) if at % 10 and ids[at] in set(asked.tolist())}
    assert sorted(found.tolist()) == sorted(wanted)
    assert set(np.flatnonzero(mask).tolist()) == wanted


def test_find__follows_changes():
    places = Places()
    places.append(np.array([5, 6]))
    places.kill(places.find(np.array([5]))[0])
    places.append(np.array([5]))
    assert places.find(np.array([5]))[0].tolist() == [2]
    assert (places.present, places.dead) == (2, 1)
