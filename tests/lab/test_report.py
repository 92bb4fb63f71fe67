"""The report repeats the figures of evaluate, in a self-contained page."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

for needed in ("jinja2", "matplotlib", "scipy"):
    pytest.importorskip(needed, reason=f"{needed} is not installed: it is in the lab's list")

from ml_models.lab import report  # noqa: E402
from ml_models.lab.measuring.classification import measure  # noqa: E402
from ml_models.lab.measuring.evaluation import evaluate  # noqa: E402
from ml_models.lab.reports import comparison_plots  # noqa: E402
from ml_models.lab.reports.comparison_tables import number  # noqa: E402
from tests.helpers.pictures import picture  # noqa: E402
from visualsearch.encoders.onnx import OnnxEncoder  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]

SHOPNET = ROOT / "ml_models/shopnet"

NOTES = """
[text]
intro = "Tells **clothes** apart, a < b."
made = "```sh\\npython -m x\\n```"
[[problem]]
title = "Too unsure"
evidence = "error of `.219`"
done = "a temperature | fitted"
effect = "<none>"
[[tried]]
what = "whitening"
accuracy = ".92"
kept = true
[[tried]]
what = "triplets"
recall = ".25"
kept = false
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Three photos, two of them classified correctly, a catalog, notes, and a copied package."""
    root, encoder = tmp_path_factory.mktemp("world"), OnnxEncoder(SHOPNET)
    for n in range(3):
        image = picture(n)
        seen = encoder.labels[int(encoder.encode([image]).probabilities[0].argmax())]
        other = "hat" if seen == "shoes" else "shoes"
        folder = root / "photos" / (other if n == 2 else seen)
        folder.mkdir(parents=True, exist_ok=True)
        image.save(folder / f"{n}.png")
        image.save(root / f"{n}.png")
    (root / "sold.csv").write_text("image,sku\n0.png,A\n1.png,B\n")
    (root / "asked.csv").write_text("image,sku\n0.png,A\n0.png,B\n")
    (root / "notes.toml").write_text(NOTES)
    (root / "twin").mkdir()
    for name in ("model.onnx", "region.onnx", "objects.onnx"):
        shutil.copy(SHOPNET / name, root / "twin")
    described = json.loads((SHOPNET / "model.json").read_text())
    described |= {"id": "twin", "version": "1.0"}
    (root / "twin/model.json").write_text(json.dumps(described))
    return root


def arguments(world):
    return (
        f"--before {SHOPNET} --after {world}/twin --data {world}/photos --instances {world}/photos"
        f" --catalog toy={world}/sold.csv,{world}/asked.csv --notes {world}/notes.toml"
        f" --out {world}/out"
    ).split()


@pytest.fixture(scope="module")
def made(world):
    """The measurements of both packages, and the folder with page and card."""
    report.main(arguments(world))
    found = [json.loads(file.read_text()) for file in sorted((world / "out/measured").iterdir())]
    by_name = {each["package"]["name"].split()[0]: each for each in found}
    return by_name["shopnet"], by_name["twin"], world / "out"


def test_measured__is_what_evaluate_says(made, world):
    measured = measure(
        SHOPNET, world / "photos", catalog=world / "sold.csv", queries=world / "asked.csv"
    )
    said = evaluate(SHOPNET, measured, distort=True, others=[world / "photos"])
    for key in ("accuracy", "ece", "per_class", "confusion", "size_bytes", "instances"):
        assert made[0][key] == said[key], key
    assert made[0]["robustness"].keys() == said["robustness"].keys()
    assert made[0]["catalogs"]["toy"] == said["retrieval"]
    assert made[0]["catalogs"]["toy"]["sku"]["recall@1"] == 0.5
    assert made[0]["accuracy"] == pytest.approx(2 / 3, abs=1e-4)


@pytest.mark.parametrize("name", ["README.md", "report.html"])
def test_pages__hold_the_figures(name, made):
    text = (made[2] / name).read_text("utf-8")
    for figure in (
        number(made[1]["accuracy"]),
        number(made[1]["ece"]),
        f"{made[1]['latency_ms']['p50']:.1f}",
        f"{made[0]['resources']['load_ms']:.1f}",
        number(made[0]["catalogs"]["toy"]["sku"]["recall@1"]),
        number(made[1]["instances"]["clutter_with_subject"][0]["whole"]["recall@1"]),
    ):
        assert re.search(rf"[ >]{re.escape(figure)}[ <]", text), figure
    for words in ("Too unsure", "whitening", "triplets", "twin 1.0", "photos --robustness"):
        assert words in text, words
    assert "toy, recall@1" in text


def test_card__tables_are_whole(made):
    """Every row has as many cells as its table's head, so no text breaks a cell."""
    head = None
    for line in (made[2] / "README.md").read_text("utf-8").splitlines():
        if not line.startswith("|"):
            head = None
            continue
        cells = len(re.findall(r"(?<!\\)\|", line))
        head = head or cells
        assert cells == head, line
    assert "temperature \\| fitted" in (made[2] / "README.md").read_text("utf-8")


def test_card__pictures_are_small_and_linked(made):
    text = (made[2] / "README.md").read_text("utf-8")
    linked = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)
    assert sorted(linked) == ["confusion.png", "reliability.png", "robustness.png"]
    for name in linked:
        assert (made[2] / name).stat().st_size < 60_000
        pixels = np.asarray(Image.open(made[2] / name).convert("RGB"))
        assert pixels.shape[1] > 350
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 8


class Links(HTMLParser):
    """Collects all that a page loads or links to."""

    def __init__(self):
        super().__init__()
        self.loads, self.leads, self.ids, self.opened, self.closed = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.loads += [values[key] for key in ("src", "srcset") if key in values]
        self.leads += [values["href"]] if "href" in values else []
        self.ids += [values["id"]] if "id" in values else []
        if tag not in ("meta", "img", "source", "link"):
            self.opened.append(tag)

    def handle_endtag(self, tag):
        self.closed.append(tag)


def test_page__stands_alone(made):
    file = made[2] / "report.html"
    page = Links()
    page.feed(file.read_text("utf-8"))
    assert file.stat().st_size < 600_000
    # Seven distortions, two clutter plots and one calibration plot, each light and dark.
    assert len(page.loads) == 20
    assert len(set(page.loads)) == 20
    assert all(link.startswith("data:image/svg+xml;base64,") for link in page.loads)
    assert {link.removeprefix("#") for link in page.leads} <= set(page.ids)
    assert sorted(page.opened) == sorted(page.closed)


def test_page__escapes_notes(made):
    text = (made[2] / "report.html").read_text("utf-8")
    assert "<strong>clothes</strong> apart, a &lt; b." in text
    assert "&lt;none&gt;" in text
    assert "<none>" not in text


def test_second_call__measures_nothing(made, world, tmp_path, monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError("measured again")

    monkeypatch.setattr(report, "evaluate", never)
    given = [*arguments(world)[:-1], str(tmp_path), "--cache", f"{world}/out/measured"]
    report.main(given)
    assert (tmp_path / "README.md").read_text() == (made[2] / "README.md").read_text()
    # Another number of photos needs a new measurement.
    with pytest.raises(AssertionError, match="measured again"):
        report.main([*given, "--limit", "1"])


def test_without_notes(made, world, tmp_path):
    given = arguments(world)
    del given[given.index("--notes") : given.index("--notes") + 2]
    given[-1] = str(tmp_path)
    report.main([*given, "--cache", f"{world}/out/measured", "--also", str(SHOPNET)])
    card = (tmp_path / "README.md").read_text("utf-8")
    name = f"shopnet {json.loads((SHOPNET / 'model.json').read_text())['version']}"
    assert f"| what | before ({name}) | after (twin 1.0) | change | also ({name}) |" in card
    assert "Problems" not in card
    assert not (tmp_path / "measured").exists()


def test_clutter_plot__has_a_line_for_every_kind(made):
    """A package with saliency has two curves, one without has one."""
    before, after = json.loads(json.dumps(made[0])), made[1]
    for row in before["instances"]["clutter_with_subject"]:
        row["subject"] = None
    (axes,) = comparison_plots.plot_clutter(before, after, "accuracy")(comparison_plots.LIGHT).axes
    assert len(axes.lines) == 3
