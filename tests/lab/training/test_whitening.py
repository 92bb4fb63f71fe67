import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.training.whitening import learned_whitening  # noqa: E402


def pairs(seed):
    """Return 400 photos (400, 6) and views that differ in the first direction only."""
    rng = torch.Generator().manual_seed(seed)
    photos = torch.randn(400, 6, generator=rng) + 3
    views = photos.clone()
    views[:, 0] += 3 * torch.randn(400, generator=rng)
    return photos, views


def found(photos, views, mean, basis):
    """Return the share of views whose nearest photo is their own."""
    a, b = ((rows - mean) @ basis.T for rows in (views, photos))
    a, b = (torch.nn.functional.normalize(rows, dim=1) for rows in (a, b))
    return float(((a @ b.T).argmax(1) == torch.arange(len(a))).float().mean())


def test_learned_whitening__what_views_differ_in_counts_less():
    mean, basis = learned_whitening(*pairs(0), 6)
    photos, views = pairs(1)
    plain = found(photos, views, mean, torch.eye(6))
    assert found(photos, views, mean, basis) > plain + 0.2
    lengths = basis.norm(dim=0)
    assert lengths[0] < 0.5 * lengths[1:].min()


def test_learned_whitening__centres_and_keeps_the_largest_axes():
    rng = torch.Generator().manual_seed(0)
    photos = torch.randn(500, 4, generator=rng) * torch.tensor([0.1, 5.0, 1.0, 0.1]) + 7
    views = photos + 0.5 * torch.randn(500, 4, generator=rng)
    mean, basis = learned_whitening(photos, views, 2)
    assert basis.shape == (2, 4)
    assert mean == pytest.approx(torch.cat([photos, views]).mean(0))
    assert basis[0].abs().argmax() == 1
    assert basis[1].abs().argmax() == 2
