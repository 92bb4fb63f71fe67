import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.networks.colour_histogram import ColourHistogram  # noqa: E402


def test_colour_histogram__sums_to_one_and_tells_colours_apart():
    histogram = ColourHistogram()
    base = torch.tensor([0.15, 0.15, 0.15])
    colours = torch.stack([base, base + 0.05, *(base + 0.7 * torch.eye(3))])
    h = histogram(colours[:, :, None, None].expand(5, 3, 224, 224))
    assert (h**2).sum(1) == pytest.approx(torch.ones(5), abs=1e-3)
    assert h[0] @ h[1] > 0.8
    for k in range(3):
        assert h[0] @ h[2 + k] < 0.2


def test_colour_histogram__the_middle_counts_more_than_the_border():
    x = torch.full((1, 3, 224, 224), -1.0)
    middle, border = x.clone(), x.clone()
    middle[:, :, 96:128, 96:128] = 1
    border[:, :, :32, :32] = 1
    histogram = ColourHistogram()
    black = histogram(x)[0]
    assert black @ histogram(middle)[0] < black @ histogram(border)[0]


def test_colour_histogram__the_wall_behind_counts_little():
    """A red object on white is closer to it on blue than to a blue object."""
    colours = torch.tensor(
        [[1.0, -0.8, -0.8], [-0.8, -0.8, 1.0], [0.9, 0.9, 0.9], [-0.2, 0.3, 0.8]]
    )
    red, blue, white, sky = colours

    def photo(thing, wall):
        x = wall[:, None, None].expand(3, 224, 224).clone()
        x[:, 50:170, 50:170] = thing[:, None, None]
        return x

    h = ColourHistogram()(torch.stack([photo(red, white), photo(red, sky), photo(blue, white)]))
    assert h[0] @ h[1] > 0.6
    assert h[0] @ h[2] < 0.5
