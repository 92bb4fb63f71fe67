import pytest

for needed in ("jinja2", "matplotlib", "scipy"):
    pytest.importorskip(needed, reason=f"{needed} is not installed: it is in the lab's list")

from ml_models.lab.reports.comparison_tables import (  # noqa: E402
    Figure,
    confusion_table,
    lines,
    number,
    path,
    tried,
)


def test_figure__change_and_verdict():
    def line(before, after, **kind):
        figure = Figure(title="x", read=path("x"), command="evaluate", **kind)
        return figure.line([{"x": before}, {"x": after}])

    assert line(0.5, 0.75).cells == [".500", ".750"]
    assert (line(0.5, 0.75).change, line(0.5, 0.75).verdict) == ("+0.250", "better")
    assert line(0.75, 0.5).verdict == "worse"
    cheaper = line(13.8, 3.9, digits=1, lower_is_better=True)
    assert (cheaper.change, cheaper.verdict) == ("−9.9", "better")
    assert (line(0.5001, 0.5002).change, line(0.5001, 0.5002).verdict) == ("=", "")
    assert (line(None, 0.5).cells, line(None, 0.5).change) == (["–", ".500"], "")
    assert lines([Figure(title="x", read=path("y"), command="c")], [{}, {}]) == []


def test_number():
    assert [number(x) for x in (0.918, 1.0, None)] == [".918", "1.000", "–"]
    assert number(0.5, 1) == "0.5"


def test_confusion__shares_of_the_true_class():
    counts = {"confusion": {"labels": ["hat", "shoes"], "counts": [[3, 1], [0, 0]]}}
    found = confusion_table(counts)
    assert found["rows"] == [("hat", [(3, 75), (1, 25)]), ("shoes", [(0, 0), (0, 0)])]
    assert found["pairs"] == [{"true": "hat", "predicted": "shoes", "photos": 1}]


def test_tried__columns_of_all_rows():
    found = tried([{"what": "a", "x": 1, "kept": True}, {"what": "b", "y": ".5"}])
    assert found["columns"] == ["x", "y"]
    assert [row["cells"] for row in found["rows"]] == [["1", "–"], ["–", ".5"]]
    assert [row["kept"] for row in found["rows"]] == [True, False]
