"""Image changes before the model: their effect on a picture, and the table of figures."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from ml_models.lab import preprocessing
from tests.helpers.pictures import picture, plain
from tests.lab.helpers.flat_garments import lying

SHOPNET = Path(__file__).resolve().parents[2] / "ml_models/shopnet"


def mean_of(image):
    return np.asarray(image.convert("L")).mean()


def test_exposure__bright_and_dark_photos_become_alike():
    image = picture(3)
    dark, bright = (ImageEnhance.Brightness(image).enhance(share) for share in (0.5, 1.3))
    assert abs(mean_of(dark) - mean_of(bright)) > 40
    assert abs(mean_of(preprocessing.exposure(dark)) - mean_of(preprocessing.exposure(bright))) < 12


def test_white_balance__a_cast_goes():
    rng = np.random.default_rng(0)
    grey = rng.integers(20, 200, (40, 40, 1)).repeat(3, 2)
    cast = (grey * np.array([1.2, 1.0, 0.7])).clip(0, 255).astype(np.uint8)
    means = np.asarray(preprocessing.white_balance(Image.fromarray(cast))).mean((0, 1))
    assert means.max() / means.min() < 1.05


def test_contrast__reaches_from_black_to_white():
    flat = Image.fromarray(np.linspace(100, 150, 300).astype(np.uint8).reshape(20, 15)).convert(
        "RGB"
    )
    found = np.asarray(preprocessing.full_contrast(flat))
    assert (found.min(), found.max()) == (0, 255)


def test_equalised__brightness_is_spread():
    dark = ImageEnhance.Brightness(picture(3)).enhance(0.4)
    assert mean_of(preprocessing.equalised(dark)) == pytest.approx(127, abs=25)


def test_padded__keeps_the_aspect():
    image = plain("white", (40, 80))
    image.paste(plain("red", (20, 20)), (10, 30))
    found = np.asarray(preprocessing.padded(image))
    assert found.shape == (80, 80, 3)
    red = np.argwhere(found[..., 1] < 128)
    assert (np.ptp(red, axis=0) + 1).tolist() == [20, 20]


def test_seen_twice__is_between_both_looks():
    once, other = (
        encoder.encode([picture(5)]).embeddings[0]
        for encoder in (
            preprocessing.Changed(str(SHOPNET), preprocessing.unchanged),
            preprocessing.Changed(str(SHOPNET), ImageOps.mirror),
        )
    )
    both = preprocessing.SeenTwice(str(SHOPNET), ImageOps.mirror).encode([picture(5)]).embeddings[0]
    assert np.linalg.norm(both) == pytest.approx(1, abs=1e-5)
    assert min(both @ once, both @ other) > once @ other


def test_preprocessing__measures_each_change(tmp_path, capsys):
    for label, colour in (("t-shirt", (180, 40, 40)), ("pants", (40, 60, 150))):
        (tmp_path / "photos" / label).mkdir(parents=True)
        lying(label, colour=colour)[0].save(tmp_path / "photos" / label / "0.png")
    rows = ["image,sku"] + [f"photos/{label}/0.png,{label}" for label in ("t-shirt", "pants")]
    (tmp_path / "rows.csv").write_text("\n".join(rows))
    catalog = f"drawn={tmp_path / 'rows.csv'},{tmp_path / 'rows.csv'}"
    given = ["--model", str(SHOPNET), "--data", str(tmp_path / "photos"), "--catalog", catalog]
    preprocessing.main([*given, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert list(found) == [
        *preprocessing.CHANGES,
        "catalog alone: and mirrored",
        "catalog alone: and its middle",
    ]
    assert found["as it is"]["accuracy"] in (0, 0.5, 1)
    for row in found.values():
        # A picture finds itself, whatever was done to both.
        assert row["catalogs"]["drawn"]["recall@1"] == 1
    text = preprocessing.table(found).splitlines()
    assert text[0] == "| change | class right | in other light | drawn @1 / @5 / @10 |"
    assert text[2].startswith("| as it is | ")
