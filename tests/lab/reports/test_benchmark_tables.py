import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.reports.benchmark_tables import conclusion, worth_of_starts  # noqa: E402


def row_of(name, accuracy, latency, start="scratch"):
    return {
        "name": name if start == "scratch" else f"{name}-{start}", "architecture": name,
        "start": start, "accuracy": accuracy, "latency_ms": latency,
    }  # fmt: skip


def test_conclusion__the_fastest_of_those_that_are_nearly_the_best():
    rows = [row_of("big", 0.92, 20.0), row_of("small", 0.91, 5.0), row_of("tiny", 0.85, 1.0)]
    assert conclusion(rows) == [
        "big is the most accurate. small is right for 1.0% fewer photos, in 0.25 of the time."
    ]
    assert conclusion([rows[2], rows[1]])[0].startswith("small is the most accurate; none")


def test_worth_of_starts():
    rows = [row_of("a", 0.5, 1.0), row_of("a", 0.9, 1.0, "pretrained"), row_of("b", 0.4, 1.0)]
    assert worth_of_starts(rows) == ["Pretrained weights are worth 40.0 points of accuracy to a."]
