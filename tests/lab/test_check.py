import json
import subprocess
import sys

import pytest
from PIL import Image, ImageEnhance

from ml_models.lab import check
from ml_models.lab.photos import duplicates
from tests.helpers.pictures import encoded, picture, plain
from visualsearch.encoders import preprocess


@pytest.fixture
def data(tmp_path):
    """Two splits of two classes, all pictures different: 3 + 2 for training, 1 + 1 held out."""
    counts = {"train": {"dress": 3, "hat": 2}, "validation": {"dress": 1, "hat": 1}}
    seed = 0
    for split, classes in counts.items():
        for label, count in classes.items():
            folder = tmp_path / split / label
            folder.mkdir(parents=True)
            for n in range(count):
                (folder / f"{n}.jpg").write_bytes(encoded(picture(seed, (300, 400))))
                seed += 1
    return tmp_path


def run(data, *arguments):
    """Check both splits; return the exit status."""
    folders = ["--data", str(data / "train"), "--validation", str(data / "validation")]
    return check.main([*folders, *map(str, arguments)])


def findings(data, capsys):
    """Check both splits; return the exit status and the parsed report."""
    status = run(data, "--json")
    return status, json.loads(capsys.readouterr().out)


def saved_again(path):
    """Return a file's picture smaller, brighter and at lower quality."""
    with Image.open(path) as image:
        small = image.resize((image.width // 2, image.height // 2))
    return encoded(ImageEnhance.Brightness(small).enhance(1.25), quality=50)


def test_clean(data, capsys):
    status, report = findings(data, capsys)
    assert status == 0
    assert report["ok"]
    assert report["unreadable"] == []
    assert report["duplicates"] == []


def test_unreadable__truncated(data, capsys):
    path = data / "train" / "hat" / "1.jpg"
    path.write_bytes(path.read_bytes()[:900])
    status, report = findings(data, capsys)
    assert status == 1
    assert [(p["photo"], p["code"]) for p in report["unreadable"]] == [
        ("train/hat/1.jpg", "image_corrupt")
    ]
    assert "damaged" in report["unreadable"][0]["reason"]
    assert report["splits"]["train"]["classes"]["hat"]["photos"] == 1


def test_unreadable__no_file(data, capsys):
    (data / "validation" / "hat" / "gone.jpg").symlink_to("nowhere.jpg")
    status, report = findings(data, capsys)
    assert status == 1
    assert report["unreadable"][0]["code"] == "file_error"


def test_duplicates__exact_across_splits(data, capsys):
    copied = (data / "train" / "dress" / "2.jpg").read_bytes()
    (data / "validation" / "dress" / "copy.jpg").write_bytes(copied)
    status, report = findings(data, capsys)
    assert status == 1
    assert report["duplicates"] == [
        {
            "kind": "exact",
            "across_splits": True,
            "across_classes": False,
            "similarity": 1.0,
            "photos": ["train/dress/2.jpg", "validation/dress/copy.jpg"],
        }
    ]


def test_duplicates__near_across_classes(data, capsys):
    again = saved_again(data / "train" / "dress" / "0.jpg")
    (data / "train" / "hat" / "again.jpg").write_bytes(again)
    status, report = findings(data, capsys)
    assert status == 1
    [group] = report["duplicates"]
    assert group["kind"] == "near"
    assert group["across_classes"]
    assert not group["across_splits"]
    assert group["photos"] == ["train/dress/0.jpg", "train/hat/again.jpg"]
    assert 0.8 <= group["similarity"] < 1


def test_duplicates__within_a_class_are_told_but_do_no_harm(data, capsys):
    path = data / "train" / "dress" / "0.jpg"
    path.with_name("again.jpg").write_bytes(saved_again(path))
    path.with_name("copy.jpg").write_bytes(path.read_bytes())
    status, report = findings(data, capsys)
    assert status == 0
    [group] = report["duplicates"]
    assert group["kind"] == "near"
    assert len(group["photos"]) == 3


def test_duplicates__other_pictures(data, capsys):
    """Similar garments on one background, and plain pictures, are not duplicates."""
    for n, colour in enumerate(("white", "black")):
        (data / "train" / "hat" / f"plain{n}.jpg").write_bytes(encoded(plain(colour)))
    for n in range(2):
        image = plain("white", (300, 400))
        image.paste(picture(50 + n, (140, 300)), (80, 50))
        (data / "train" / "dress" / f"cut{n}.jpg").write_bytes(encoded(image))
    status, report = findings(data, capsys)
    assert status == 0
    assert report["duplicates"] == []


def test_balance(data, capsys):
    _, report = findings(data, capsys)
    train = report["splits"]["train"]
    assert train["photos"] == 5
    assert train["classes"] == {
        "dress": {"photos": 3, "share": 0.6},
        "hat": {"photos": 2, "share": 0.4},
    }
    assert train["largest_to_smallest"] == 1.5
    assert report["splits"]["validation"]["largest_to_smallest"] == 1


def test_balance__class_missing_in_a_split(data, capsys):
    (data / "validation" / "hat" / "0.jpg").unlink()
    _, report = findings(data, capsys)
    validation = report["splits"]["validation"]
    assert validation["classes"]["hat"]["photos"] == 0
    assert validation["largest_to_smallest"] is None
    run(data)
    assert "a class is empty" in capsys.readouterr().out


def test_sizes(data, capsys):
    folder = data / "validation" / "hat"
    (folder / "wide.png").write_bytes(encoded(picture(80, (600, 200)), "PNG"))
    exif = Image.Exif()
    exif[0x0112] = 6
    (folder / "turned.jpg").write_bytes(encoded(picture(81, (2000, 1000)), exif=exif))
    _, report = findings(data, capsys)
    sizes = report["splits"]["validation"]["sizes"]
    assert sizes["width"] == {"min": 300, "median": 450, "max": 1000}
    assert sizes["height"] == {"min": 200, "median": 400, "max": 2000}
    assert sizes["short_side"] == {"min": 200, "median": 300, "max": 1000}
    assert sizes["aspect"] == {"min": 0.5, "median": 0.75, "max": 3}
    assert sizes["share_below_224"] == 0.25


def test_table(data, capsys):
    path = data / "train" / "dress" / "0.jpg"
    (data / "validation" / "hat" / "copy.jpg").write_bytes(path.read_bytes())
    (data / "train" / "hat" / "empty.jpg").write_bytes(b"")
    assert run(data) == 1
    text = capsys.readouterr().out
    assert "60.0%" in text
    assert "train/hat/empty.jpg: image_empty" in text
    assert "1 across splits, 1 across classes" in text
    assert "validation/hat/copy.jpg" in text


def test_training_photos_alone(data, capsys):
    assert check.main(["--data", str(data / "train"), "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["splits"]) == ["train"]


def test_wrong_folder(tmp_path, capsys):
    with pytest.raises(SystemExit) as raised:
        check.main(["--data", str(tmp_path)])
    assert raised.value.code == 2
    assert "one folder per class" in capsys.readouterr().err


def test_plots(data, capsys):
    pytest.importorskip(
        "matplotlib", reason="Matplotlib is not installed: ./run test --lab installs it"
    )
    out = data / "out"
    path = data / "train" / "dress" / "0.jpg"
    for n in range(4):
        (data / "validation" / "hat" / f"copy{n}.jpg").write_bytes(path.read_bytes())
    assert run(data, "--out", out, "--json") == 1
    assert json.loads((out / "report.json").read_text("utf-8")) == json.loads(
        capsys.readouterr().out
    )
    for name in ("balance", "sizes", "aspects", "duplicates"):
        with Image.open(out / f"{name}.png") as image:
            image.load()
            assert min(image.size) > 300
            assert len(image.convert("RGB").getcolors(2**24)) > 50
    for copy in (data / "validation" / "hat").glob("copy*"):
        copy.unlink()
    assert run(data, "--out", out) == 0
    assert not (out / "duplicates.png").exists()


def test_decoding_and_preprocessing_are_those_that_serve():
    assert duplicates.prepare is preprocess.prepare


def test_needs_neither_pytorch_nor_matplotlib():
    code = (
        "import sys, ml_models.lab.check\n"
        "sys.exit(not {'torch', 'matplotlib'}.isdisjoint(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
