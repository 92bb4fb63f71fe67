from pathlib import Path

import pytest

from ml_models.lab.measuring import classification
from tests.helpers.pictures import encoded, picture
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.photos.decode import open_photo

ROOT = Path(__file__).resolve().parents[3]

SHOPNET = ROOT / "ml_models/shopnet"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Five photos: three in the folder of the model's class, two in another one."""
    encoder = OnnxEncoder(SHOPNET)
    root = tmp_path_factory.mktemp("photos")
    for n in range(5):
        data = encoded(picture(n), quality=95)
        seen = int(encoder.encode([open_photo(data).image]).probabilities[0].argmax())
        label = encoder.labels[(seen + (n >= 3)) % len(encoder.labels)]
        (root / label).mkdir(exist_ok=True)
        (root / label / f"{n}.jpg").write_bytes(data)
    (next(root.iterdir()) / "notes.txt").write_text("no photo")
    return root


def test_labelled_photos__limit(folder):
    labels = OnnxEncoder(SHOPNET).labels
    photos = classification.labelled_photos(folder, labels)
    assert len(photos) == 5
    assert all(path.parent.name == labels[number] for path, number in photos)
    assert len(classification.labelled_photos(folder, labels, 1)) == len({n for _, n in photos})


def test_labelled_photos__unknown_class(tmp_path):
    (tmp_path / "cats").mkdir()
    with pytest.raises(ValueError, match="none of the model's labels: dress, hat"):
        classification.labelled_photos(tmp_path, ["dress", "hat"])


def test_labelled_photos__a_finer_class_counts_for_its_parent(tmp_path):
    (tmp_path / "hoodie").mkdir()
    (tmp_path / "hoodie/1.jpg").touch()
    photos = classification.labelled_photos(
        tmp_path, ["hat", "longsleeve"], parents={"hoodie": "longsleeve"}
    )
    assert photos == [(tmp_path / "hoodie/1.jpg", 1)]
