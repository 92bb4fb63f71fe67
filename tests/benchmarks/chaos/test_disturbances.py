from itertools import islice

from benchmarks.chaos.disturbances import KINDS, planned


def test_planned__the_seed_decides():
    first, again, other = (list(islice(planned(seed), 60)) for seed in (1, 1, 2))
    assert first == again != other


def test_planned__all_kinds_before_any_repeats():
    some = list(islice(planned(3), len(KINDS)))
    assert sorted((one.kind, one.service) for one in some) == sorted(KINDS)
