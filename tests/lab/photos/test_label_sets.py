"""The classes that a data set's label allows."""

import pytest

from ml_models.lab.exceptions import Refused
from ml_models.lab.photos.label_sets import LEAVES, PARENTS, shop_set, street_set


def test_leaves__in_the_order_of_folders():
    assert list(LEAVES) == sorted(LEAVES)
    assert len(LEAVES) == 15
    assert {*PARENTS, *PARENTS.values()} <= {*LEAVES}


@pytest.mark.parametrize(
    ("label", "allowed"),
    [
        ("T-Shirt", {"t-shirt"}),
        ("Hoodie", {"hoodie"}),
        ("Top", {"t-shirt", "undershirt"}),
        ("Body", {"t-shirt", "undershirt", "polo"}),
        ("Blouse", {"shirt"}),
        ("Not sure", set()),
        ("Other", set()),
        ("", set()),
    ],
)
def test_shop_set(label, allowed):
    assert set(shop_set(label)) == allowed


@pytest.mark.parametrize(
    ("label", "tag", "allowed"),
    [
        ("longsleeve", "cardigan", {"longsleeve", "hoodie"}),
        ("longsleeve", "sweater", {"longsleeve"}),
        ("longsleeve", "hoodie", {"hoodie"}),
        ("t-shirt", "", {"t-shirt", "polo", "undershirt"}),
        ("outwear", "suit", {"outwear", "blazer"}),
        ("outwear", "blazer", {"blazer"}),
        ("outwear", "coat", {"outwear"}),
        ("shoes", "boots", {"shoes"}),
    ],
)
def test_street_set(label, tag, allowed):
    assert set(street_set(label, tag)) == allowed


def test_sets__unknown_labels_are_refused():
    for read in (shop_set, street_set):
        with pytest.raises(Refused, match="“scarf” is no class: give one of bag, blazer"):
            read("scarf")
