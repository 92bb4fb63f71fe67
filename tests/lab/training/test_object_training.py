import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.networks.object_head import ObjectHead, middles  # noqa: E402
from ml_models.lab.networks.onnx_files import check_head, write_graph  # noqa: E402
from ml_models.lab.training.object_samples import (  # noqa: E402
    Sample,
    drawn_sample,
    scene_sample,
    view,
    within,
)
from ml_models.lab.training.object_training import (  # noqa: E402
    Lessons,
    overlap,
    targets,
    train_head,
)


def test_targets__points_near_the_middle_learn_the_smallest_box():
    points = middles(14, 14)
    large, small = (0.0, 0.0, 1.0, 1.0), (0.4, 0.4, 0.2, 0.2)
    boxes, labels = targets([(1, small), (0, large)], points)
    at = ((points - 0.5).abs() <= 0.05 + 1e-6).all(1)
    assert at.any()
    assert (labels[at] == 1).all()
    assert boxes[at].tolist() == [pytest.approx(small)] * int(at.sum())
    assert 0 in labels
    assert (labels[((points - 0.5).abs() > 0.26).any(1)] == -2).all()


def test_targets__a_box_between_points_is_learned():
    _, labels = targets([(2, (0.13, 0.13, 0.01, 0.01))], middles(14, 14))
    assert (labels == 2).sum() >= 1


def test_overlap__by_hand():
    a = torch.tensor([[0.0, 0, 0.5, 1], [0.0, 0, 0.25, 1]])
    b = torch.tensor([[0.25, 0, 0.5, 1], [0.75, 0, 0.25, 1]])
    plain, generalised = overlap(a, b)
    assert plain.tolist() == pytest.approx([1 / 3, 0])
    assert generalised.tolist() == pytest.approx([1 / 3, -0.5])


def test_within__by_hand():
    assert within((0.5, 0.5, 0.2, 0.2), (0.5, 0.5, 0.5, 0.5)) == pytest.approx((0, 0, 0.4, 0.4))
    assert within((0.4, 0.5, 0.2, 0.2), (0.5, 0.5, 0.5, 0.5)) == pytest.approx((0, 0, 0.2, 0.4))
    assert within((0.38, 0.5, 0.2, 0.2), (0.5, 0.5, 0.5, 0.5)) is None


def test_view__boxes_follow():
    image = Image.new("RGB", (200, 200), "white")
    image.paste((255, 0, 0), (80, 80, 120, 130))
    rng = np.random.default_rng(0)
    for _ in range(10):
        seen = view(Sample(image=image, things=[("bag", (0.4, 0.4, 0.2, 0.25))]), rng, 0.7)
        red = (np.asarray(seen.image) == (255, 0, 0)).all(2)
        for _label, (x, y, w, h) in seen.things:
            rows, columns = np.flatnonzero(red.any(1)), np.flatnonzero(red.any(0))
            assert columns[0] / red.shape[1] == pytest.approx(x, abs=0.02)
            assert rows[0] / red.shape[0] == pytest.approx(y, abs=0.02)
            assert len(columns) / red.shape[1] == pytest.approx(w, abs=0.02)
            assert len(rows) / red.shape[0] == pytest.approx(h, abs=0.02)


def test_samples__same_seed_same_picture():
    cuts = [("pants", Image.new("RGBA", (40, 60), "red"))]
    for make in (lambda rng: scene_sample(cuts, rng), lambda rng: drawn_sample(1, rng)):
        first, again = (make(np.random.default_rng(5)) for _ in range(2))
        assert first.image.tobytes() == again.image.tobytes()
        assert first.things == again.things


def lessons(count=96, seed=0):
    """Cells with one bright block each, whose box the head should learn."""
    rng = np.random.default_rng(seed)
    cells = rng.normal(0, 0.1, (count, 7, 7, 5)).astype(np.float32)
    boxes, labels = [], []
    for each in cells:
        left, top = rng.integers(0, 5, 2)
        across, down = rng.integers(2, 4, 2).clip(max=(7 - left, 7 - top))
        kind = int(rng.integers(2))
        each[top : top + down, left : left + across, kind] += 3
        box, label = targets([(kind, (left / 7, top / 7, across / 7, down / 7))], middles(14, 14))
        boxes.append(box)
        labels.append(label)
    return Lessons(
        cells=torch.from_numpy(cells).half(),
        colours=torch.zeros(count, 7, 7, 16, 3, dtype=torch.uint8),
        saliency=torch.ones(count, 7, 7).half(),
        boxes=torch.stack(boxes),
        labels=torch.stack(labels),
    )


@pytest.mark.usefixtures("one_thread")
def test_train_head__finds_blocks_that_it_has_not_seen(tmp_path):
    torch.manual_seed(0)
    head = ObjectHead(5, ["bag", "hat"], ["hat", "cap", "bag"])
    losses = list(train_head(head, lessons(640), 30))
    assert losses[-1] < 0.5 * losses[0]
    test = lessons(32, seed=1)
    given = (test.cells.float(), test.colours, test.saliency.float())
    boxes, objectness, probabilities = head(*given)
    assert probabilities.shape == (32, 196, 3)
    assert torch.allclose(probabilities.sum(2), torch.ones(32, 196), atol=1e-5)
    assert probabilities[..., 1].max() == 0
    best = objectness.argmax(1)
    rows = torch.arange(32)
    true = torch.stack([test.boxes[k][test.labels[k] >= 0][0] for k in rows])
    assert float(overlap(boxes[rows, best], true)[0].mean().detach()) > 0.6
    kinds = torch.stack([test.labels[k].max() for k in rows])
    said = probabilities[rows, best].argmax(1)
    assert (said == torch.tensor([2, 0])[kinds]).float().mean() > 0.9
    write_graph(head, given, tmp_path / "objects.onnx")
    assert check_head(head, tmp_path / "objects.onnx", given) < 1e-4
