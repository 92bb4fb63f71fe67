from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: ./run test --lab installs it")

from ml_models.lab.exceptions import Refused
from ml_models.lab.photos.catalog import Listing
from ml_models.lab.photos.listings import list_photos
from ml_models.lab.photos.splits import check_classes, folds, hold_out, keep_split


def listing(*, shoes, hats, pictures=3):
    """Return a listing of two classes; product n has n % pictures + 1 pictures."""
    shown = [
        (label, f"{label}-{n}")
        for label, count in enumerate((shoes, hats))
        for n in range(count)
        for _ in range(n % pictures + 1)
    ]
    return Listing(
        paths=[Path(f"{k}.jpg") for k in range(len(shown))],
        labels=[label for label, _ in shown],
        groups=[group for _, group in shown],
        classes=["shoes", "hats"],
    )


def share(photos):
    return sum(photos.labels) / len(photos.labels)


def test_folds__each_photo_once_products_together_shares_kept():
    photos = listing(shoes=60, hats=30)
    seen = []
    for train, held_out in folds(photos, 5, seed=3):
        assert not set(train.groups) & set(held_out.groups)
        assert len(train.paths) + len(held_out.paths) == len(photos.paths)
        assert share(held_out) == pytest.approx(share(photos), abs=0.03)
        assert len(held_out.paths) == pytest.approx(len(photos.paths) / 5, abs=3)
        seen += held_out.paths
    assert sorted(seen) == sorted(photos.paths)


def test_hold_out__its_share_by_the_seed():
    photos = listing(shoes=40, hats=40)
    train, held_out = hold_out(photos, 0.1, seed=0)
    assert len(held_out.paths) == pytest.approx(len(photos.paths) / 10, abs=2)
    assert hold_out(photos, 0.1, seed=0) == (train, held_out)
    assert hold_out(photos, 0.1, seed=1)[1] != held_out


def test_folds__every_class_in_every_part_when_it_just_suffices():
    for _, held_out in folds(listing(shoes=40, hats=4), 4, seed=0):
        assert set(held_out.labels) == {0, 1}


def test_folds__many_photos_of_few_products_are_few():
    with pytest.raises(Refused, match=r"5 parts: hats \(4\)"):
        next(folds(listing(shoes=40, hats=4, pictures=9), 5, seed=0))


def test_check_classes__one_class_or_an_empty_one():
    one = Listing(paths=[Path("a.jpg")], labels=[0], groups=["a"], classes=["shoes"])
    with pytest.raises(Refused, match=r"one class only \(shoes\)"):
        check_classes(one, "photos")
    with pytest.raises(Refused, match="no photos of hats"):
        check_classes(listing(shoes=3, hats=0), "photos")
    check_classes(listing(shoes=3, hats=1), "photos")


def test_keep_split__reads_back_and_refuses_another(photos, tmp_path):
    found = list_photos(photos)
    _, held_out = hold_out(found, 0.2, seed=0)
    out = tmp_path / "run"
    out.mkdir()
    keep_split(held_out, out)
    again = list_photos(out / "validation.csv")
    pairs = [
        set(zip(each.paths, each.labels, each.groups, strict=True)) for each in (held_out, again)
    ]
    assert pairs[0] == pairs[1]
    assert again.classes == found.classes
    keep_split(held_out, out)
    other = next(each for _, each in folds(found, 5, seed=0) if each.paths != held_out.paths)
    with pytest.raises(Refused, match="another split"):
        keep_split(other, out)
