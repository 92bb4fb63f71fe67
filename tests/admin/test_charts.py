import re

import pytest

from visualsearch.admin.charts import HEIGHT, Series, plot, round_ticks


def drawn(*series, categories=("a", "b", "c"), **values):
    return plot(
        label="All", head="Of", categories=categories, series=series, write="{:g}".format, **values
    )


@pytest.mark.parametrize(
    ("top", "whole", "ticks"),
    [
        (0, False, [0, 1]),
        (1, True, [0, 1]),
        (3, True, [0, 1, 2, 3]),
        (7, True, [0, 2, 4, 6, 8]),
        (9, True, [0, 3, 6, 9]),
        (100, True, [0, 25, 50, 75, 100]),
        (1204, True, [0, 500, 1000, 1500]),
        (0.083, False, [0, 0.025, 0.05, 0.075, 0.1]),
        (0.3, False, [0, 0.1, 0.2, 0.3]),
        (46.2, False, [0, 20, 40, 60]),
    ],
)
def test_ticks__are_round_and_reach_the_top(top, whole, ticks):
    assert round_ticks(top, whole=whole) == ticks


def test_bars__are_stacked():
    found = drawn(
        Series(name="x", colour="a", values=[1, 2, 0]),
        Series(name="y", colour="c", values=[3, 0, 0]),
    )
    assert [(bar.y, bar.height, bar.colour) for bar in found.bars] == [
        ("150", "50", "a"),
        ("0", "150", "c"),
        ("100", "100", "a"),
    ]
    assert found.bars[0].x == "4.67%"


def test_line__has_gaps_where_nothing_is_known():
    found = drawn(
        Series(name="x", colour="a", kind="line", values=[2, None, 1, 4, None, 3]),
        categories="abcdef",
    )
    assert found.lines[0].d == "M41.67 150L58.33 0"
    assert found.points[0].d == "M8.33 100h0M91.67 50h0"


def test_band__goes_there_and_back():
    found = drawn(
        Series(name="x", colour="b", kind="line", values=[2, 2], lows=[1, 1], highs=[4, 3]),
        categories="ab",
    )
    assert found.bands[0].d == "M25 0L75 50L75 150L25 150Z"


def test_whiskers__end_at_the_top():
    found = drawn(
        Series(name="x", colour="a", values=[0.5, None], lows=[0.2, None], highs=[1.0, None]),
        categories="ab",
        most=0.8,
    )
    (whisker,) = found.whiskers
    assert (whisker.x, whisker.y2) == ("25%", "0")
    assert float(whisker.y1) == HEIGHT * 0.75


def test_texts__say_all_that_is_seen():
    found = drawn(
        Series(name="x", colour="a", values=[1, None], lows=[0, None], highs=[2, None]),
        Series(name="y", colour="b", values=[5, 6]),
        categories="ab",
    )
    assert found.rows == [("a", ["1 (0 – 2)", "5"]), ("b", ["–", "6"])]
    assert [each.title for each in found.hovers] == ["a: x 1 (0 – 2); y 5", "b: x –; y 6"]
    assert drawn(Series(name="x", colour="a", values=[1, 2, 3])).hovers[0].title == "a: 1"


def test_labels__of_every_so_many_categories():
    found = drawn(Series(name="x", colour="a", values=[1] * 5), categories="abcde", every=2)
    assert [(tick.text, tick.at) for tick in found.across] == [
        ("a", "10%"),
        ("c", "50%"),
        ("e", "90%"),
    ]


def test_attributes__are_in_no_language():
    found = drawn(Series(name="x", colour="a", kind="line", values=[0.123, 1234.5, 9]))
    for text in (found.lines[0].d, *(tick.at for tick in (*found.up, *found.across))):
        assert re.fullmatch(r"[\d.MLh% ]+", text)


def test_plot__of_nothing():
    found = drawn(Series(name="x", colour="a", values=[]), categories=[])
    assert (found.bars, found.hovers, [tick.text for tick in found.up]) == ([], [], ["0", "1"])
