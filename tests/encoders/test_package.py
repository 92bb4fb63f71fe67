import json
import shutil

import pytest

from visualsearch.conf import SHIPPED_MODEL
from visualsearch.encoders.package import load_package
from visualsearch.exceptions import ModelUnavailable


@pytest.fixture
def folder(tmp_path):
    """A copy of the shipped package that a test may damage."""
    return shutil.copytree(SHIPPED_MODEL, tmp_path / "model")


def edit(folder, **changes):
    path = folder / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_load_package__shipped():
    package = load_package(SHIPPED_MODEL)
    assert package.embedding_dim <= 512
    assert len(package.labels) == 15
    assert set(package.parents.values()) <= set(package.labels)
    assert [part.name for part in package.parts] == ["features", "colour", "class"]
    assert package.model.read()


def test_read__one_flipped_bit_is_refused(folder):
    package = load_package(folder)
    data = bytearray(package.model.path.read_bytes())
    data[len(data) // 2] ^= 1
    package.model.path.write_bytes(data)
    with pytest.raises(ModelUnavailable, match="SHA-256 differs"):
        package.model.read()


def test_read__missing_file(folder):
    package = load_package(folder)
    package.model.path.unlink()
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        package.model.read()


def test_load_package__missing_folder(tmp_path):
    with pytest.raises(ModelUnavailable, match="does not exist"):
        load_package(tmp_path / "none")


def test_load_package__lacks_a_field(folder):
    described = json.loads((folder / "model.json").read_text())
    del described["labels"]
    (folder / "model.json").write_text(json.dumps(described))
    with pytest.raises(ModelUnavailable, match="labels"):
        load_package(folder)


def test_load_package__parents(folder):
    edit(folder, parents={})
    assert load_package(folder).parents == {}
    edit(folder, parents={"hoodie": "longsleeve", "skirt": "dress"})
    assert load_package(folder).parents == {"hoodie": "longsleeve", "skirt": "dress"}


@pytest.mark.parametrize(
    "parents",
    [
        {"hoodie": "jumper"},
        {"hoodie": "skirt", "skirt": "dress"},
        {"hoodie": ["dress"]},
        ["hoodie"],
    ],
)
def test_load_package__parents_that_are_none(folder, parents):
    edit(folder, parents=parents)
    with pytest.raises(ModelUnavailable, match="malformed"):
        load_package(folder)


def test_load_package__region_of_a_cut_photo(folder):
    described = json.loads((folder / "model.json").read_text())
    edit(folder, input=described["input"] | {"fit": "crop"})
    with pytest.raises(ModelUnavailable, match="squash"):
        load_package(folder)


def test_load_package__parts(folder):
    package = load_package(folder)
    assert [(part.name, part.size, part.share) for part in package.parts] == [
        ("features", 256, 0.63),
        ("colour", 64, 0.27),
        ("class", 15, 0.1),
    ]
    described = json.loads((folder / "model.json").read_text())
    del described["parts"]
    (folder / "model.json").write_text(json.dumps(described))
    without = load_package(folder)
    assert [(part.size, part.share) for part in without.parts] == [(335, 1)]
    assert without.encoder_id == package.encoder_id


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([("a", 256, 0.7), ("b", 78, 0.3)], "add up to 335"),
        ([("a", 256, 0.7), ("b", 79, 0.2)], "shares of the parts"),
        ([("a", 256, 0.7), ("a", 79, 0.3)], "the same name"),
        ([("a", 256, 1.3), ("b", 79, -0.3)], "between 0 and 1"),
        ([("a", 335, 1), ("b", 0, 0)], "at least 1"),
        ([("a", 256.0, 0.7), ("b", 79, 0.3)], "whole number"),
    ],
)
def test_load_package__impossible_parts(folder, parts, message):
    edit(folder, parts=[{"name": n, "size": size, "share": share} for n, size, share in parts])
    with pytest.raises(ModelUnavailable, match=message):
        load_package(folder)


def test_load_package__malformed(folder):
    (folder / "model.json").write_text("{")
    with pytest.raises(ModelUnavailable, match="malformed"):
        load_package(folder)


def test_load_package__impossible_input(folder):
    edit(folder, input={"size": 3})
    with pytest.raises(ModelUnavailable, match="input size"):
        load_package(folder)


def test_encoder_id__differs_with_the_weights(folder):
    before = load_package(folder).encoder_id
    edit(folder, sha256="0" * 64)
    assert load_package(folder).encoder_id != before
