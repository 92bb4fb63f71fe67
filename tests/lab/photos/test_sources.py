"""Sources of photos in folders and CSV files."""

import shutil

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: ./run test --lab installs it")

from ml_models.lab.exceptions import Refused
from ml_models.lab.photos.label_sets import street_set
from ml_models.lab.photos.sources import Kind, Sources, read_sources
from tests.helpers.pictures import plain
from tests.lab.helpers.drawn_sources import draw_sources, written

HEADER = "image,label,tag,x,y,w,h,area"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return draw_sources(tmp_path_factory.mktemp("sources"))


def read(drawn, **other):
    given = {"data": drawn.data, "more": drawn.more, "boxes": drawn.boxes, "tagged": drawn.tagged}
    return read_sources(Sources(**given | other))


def test_read_sources__all_kinds(drawn):
    found = read(drawn)
    count = {kind: sum(each.kind is kind for each in found) for kind in Kind}
    assert count[Kind.FLOOR] == 33
    assert count[Kind.TAGGED] == 4
    assert count[Kind.STREET] > 12
    assert count[Kind.WORN] == 0
    more = {each.image.name: each.allowed for each in found if each.image.parent.name == "more"}
    drawn_tags = (drawn.tagged.read_text().splitlines()[1].split(",")[1]).split("|")
    tagged = next(each for each in found if each.kind is Kind.TAGGED)
    assert set(tagged.allowed) == {name for tag in drawn_tags for name in street_set(tag)}
    assert more == {"0.jpg": ("t-shirt", "undershirt"), "1.jpg": (), "2.jpg": ("hoodie",)}


def test_read_sources__every_third_street_photo_is_held_out(drawn):
    held_out = {each.image.name for each in read(drawn) if each.held_out}
    assert held_out == {"0003.jpg", "0006.jpg"}
    assert {each.image.name for each in read(drawn, hold_out=2) if each.held_out} == {
        "0002.jpg",
        "0004.jpg",
        "0006.jpg",
    }
    assert not any(each.held_out for each in read(drawn, hold_out=0))


def test_read_sources__a_held_out_photo_is_in_no_other_source(drawn, tmp_path):
    street = drawn.boxes.parent
    tagged = written(street / "both.csv", ["image,labels,tags", "0003.jpg,bag,", "0004.jpg,bag,"])
    found = [each for each in read(drawn, tagged=tagged) if each.kind is Kind.TAGGED]
    assert [each.image.name for each in found] == ["0004.jpg"]


def test_read_boxed__small_ones_are_left_out(drawn, tmp_path):
    plain("red").save(tmp_path / "1.jpg")
    boxes = written(
        tmp_path / "boxes.csv",
        [HEADER, "1.jpg,hat,cap,0,0,.1,.1,.0039", "1.jpg,shoes,,.1,.2,.3,.4,.05"],
    )
    found = [each for each in read(drawn, boxes=boxes) if each.kind is Kind.STREET]
    assert [(each.label, each.place) for each in found] == [("shoes", (0.1, 0.2, 0.3, 0.4))]


@pytest.mark.parametrize(
    ("lines", "match"),
    [
        (["image,label", "1.jpg,hat"], "first line lacks tag, x"),
        ([HEADER, "1.jpg,scarf,,0,0,1,1,1"], r"line 2: “scarf” is no class"),
        ([HEADER, "1.jpg,hat,,0,0,1,1,1", "1.jpg,hat,,.5,0,.6,1,.6"], "line 3: a box is"),
        ([HEADER, "1.jpg,hat,,0,0,1,,1"], "line 2: could not convert"),
        ([HEADER, "2.jpg,hat,,0,0,1,1,1"], "line 2: there is no .*2.jpg"),
        ([HEADER, "a.jpg,hat,,0,0,1,1,1"], "line 2: a.jpg starts with no number.*--hold-out 0"),
    ],
)
def test_read_boxed__refused(drawn, tmp_path, lines, match):
    plain("red").save(tmp_path / "1.jpg")
    plain("red").save(tmp_path / "a.jpg")
    with pytest.raises(Refused, match=match):
        read(drawn, boxes=written(tmp_path / "boxes.csv", lines))


def test_read_sources__missing_ones_are_refused(drawn, tmp_path):
    with pytest.raises(Refused, match=r"there is no folder .*a folder per class"):
        read(drawn, data=tmp_path / "none")
    with pytest.raises(Refused, match=r"there is no file .*image, label"):
        read(drawn, more=tmp_path / "none.csv")
    odd = shutil.copytree(drawn.data, tmp_path / "odd")
    (odd / "hat").rename(odd / "scarf")
    with pytest.raises(Refused, match=r"scarf: “scarf” is no class"):
        read(drawn, data=odd)
