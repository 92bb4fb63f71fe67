"""Finding the same photo again: known galleries, real distortions, a crop that helps."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml_models.lab.measuring import instances
from ml_models.lab.measuring.instances import Tally, fillers
from ml_models.lab.photos.random_distortions import DISTORTIONS, distorted
from ml_models.lab.reports import evaluation_plots
from ml_models.lab.reports.evaluation_text import instances_lines
from tests.helpers.pictures import encoded, picture, plain
from visualsearch.encoders.cells import Cells
from visualsearch.encoders.fake import FakeEncoder
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.photos.crops import box_of
from visualsearch.photos.decode import open_photo

SHOPNET = Path(__file__).resolve().parents[3] / "ml_models/shopnet"

MAGENTA = (255, 0, 255)


class SeesMagenta(FakeEncoder):
    """A fake encoder whose subject is the magenta area, and that embeds a part like a photo."""

    def see(self, image):
        pixels = np.asarray(image.resize((32, 32)))
        magenta = np.abs(pixels.astype(int) - MAGENTA).sum(2) < 90
        cells = Cells(
            values=pixels, colours=pixels[:, :, None], saliency=magenta.astype(np.float32)
        )
        return self.encode([image]), cells

    def pool(self, cells, part):
        whole = Image.fromarray(cells.values)
        return self.encode([whole.crop(box_of(whole.size, part))])


def save(root, rows):
    """Save photos by "class/name"; return paths and class numbers as evaluate lists them."""
    for name, image in rows.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(encoded(image, "PNG"))
    return [(root / name, 0) for name in rows]


@pytest.fixture
def photos(tmp_path):
    return save(tmp_path / "data", {f"a/{n}.png": picture(n, (120, 150)) for n in range(5)})


@pytest.fixture
def others(tmp_path):
    rows = {f"a/{n}.png": picture(100 + n) for n in range(9)}
    save(tmp_path / "others", rows | {f"b/{n}.png": picture(200 + n) for n in range(3)})
    return tmp_path / "others"


def test_fillers__evenly_over_classes_and_the_same_again(photos, others):
    chosen = fillers([others], 6, [])
    assert sorted(path.parent.name for path in chosen) == ["a"] * 3 + ["b"] * 3
    assert len(set(chosen)) == 6
    assert chosen == fillers([others], 6, [])
    # When a class is used up, the others take its turns.
    assert [path.parent.name for path in fillers([others], 10, [])].count("b") == 3
    assert len(fillers([others], 100, [])) == 12
    assert fillers([others], -3, []) == []


def test_fillers__several_folders_and_no_photo_twice(photos, others):
    data = photos[0][0].parents[1]
    paths = [path for path, _ in photos]
    assert set(fillers([others, data], 100, [])) > set(paths)
    assert not set(fillers([others, data], 100, paths)) & set(paths)


def test_fillers__folder_without_photos(tmp_path):
    with pytest.raises(ValueError, match="a folder per class"):
        fillers([tmp_path], 3, [])


def test_tally__ranks_and_recall_of_a_toy():
    """Five photos, three queries: found first, third, and last."""
    scores = np.array(
        [[0.9, 0.1, 0.2, 0.3, 0.4], [0.8, 0.5, 0.6, 0.2, 0.1], [0.5, 0.4, 0.1, 0.3, 0.2]],
        np.float32,
    )
    tally = Tally(right=2)
    tally.add(list("abcde"), list("abc"), scores)
    assert tally.ranks == [1, 3, 5]
    assert tally.found == {"accuracy": 0.6667, "recall@1": 0.3333}


def test_instances__recall_as_counted_by_hand(photos, others):
    encoder = OnnxEncoder(SHOPNET)
    report = instances.instances(encoder, photos, [others], 12)
    assert (report["queries"], report["gallery"]) == (5, 12)
    paths = [path for path, _ in photos]
    paths += fillers([others], 7, paths)
    images = [open_photo(path.read_bytes()).image for path in paths]
    gallery = encoder.encode(images).embeddings
    for name in DISTORTIONS:
        asked = encoder.encode([distorted(image, name) for image in images[:5]]).embeddings
        scores = asked @ gallery.T
        ranks = 1 + (scores > scores.diagonal()[:, None]).sum(1)
        found = report["distortions"][name]
        assert found["recall@1"] == pytest.approx((ranks == 1).mean(), abs=1e-4), name
        assert found["recall@5"] == pytest.approx((ranks <= 5).mean(), abs=1e-4), name
        assert found["mrr"] == pytest.approx((1 / ranks).mean(), abs=1e-4), name
    mean = np.mean([report["distortions"][name]["mrr"] for name in DISTORTIONS])
    assert report["distortions"]["mean"]["mrr"] == pytest.approx(mean, abs=1e-4)


def test_instances__without_photos(others):
    with pytest.raises(ValueError, match="there are none"):
        instances.instances(FakeEncoder(), [], [others])


@pytest.fixture
def seen(tmp_path, others):
    """Return the measurements of products that are magenta except for a distinct corner."""
    rows = {}
    for n, colour in enumerate(["white", "black", "red", "green", "blue", "yellow"]):
        rows[f"a/{n}.png"] = image = plain(MAGENTA, (120, 120))
        image.paste(plain(colour, (60, 30)), (60 * (n % 2), 30 * (n // 2)))
    photos = save(tmp_path / "data", rows)
    return {
        kind: instances.instances(encoder, photos, [others], 18)
        for kind, encoder in (("sees", SeesMagenta()), ("blind", FakeEncoder()))
    }


def test_clutter__subject_finds_more(seen):
    rows = seen["sees"]["clutter_with_subject"]
    assert [row["share"] for row in rows] == list(instances.SHARES)
    whole, subject = (
        np.mean([row[kind]["recall@1"] for row in rows]) for kind in ("whole", "subject")
    )
    assert subject > whole
    assert subject > 0.6


def test_clutter__model_without_cells(seen):
    assert [row["subject"] for row in seen["blind"]["clutter_with_subject"]] == [None] * 5
    assert [row["whole"] for row in seen["blind"]["clutter_with_subject"]] == [
        row["whole"] for row in seen["sees"]["clutter_with_subject"]
    ]


def test_table_and_plot(seen, tmp_path):
    for report in seen.values():
        lines = instances_lines(report)
        found = report["distortions"]["light"]["recall@1"]
        assert any("light" in line and f"recall@1 {found:.3f}" in line for line in lines)
    assert sum("its subject" in line for line in instances_lines(seen["sees"])) == 5
    assert not any("its subject" in line for line in instances_lines(seen["blind"]))
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: it is in the lab's list")
    for kind, count in (("sees", 2), ("blind", 1)):
        left, _ = evaluation_plots.draw_clutter({"instances": seen[kind]}).axes
        assert len(left.lines) == count
