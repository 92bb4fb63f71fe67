"""Name colours of plain and of framed pictures."""

from __future__ import annotations

import pytest
from PIL import Image

from visualsearch.class_names import WORDS as CLASSES
from visualsearch.photos.colour_names import NEAR, WORDS, are_near, name_colour, names_in

COLOURS = {
    "black": "#101214",
    "white": "#fafafa",
    "grey": "#808284",
    "red": "#c01020",
    "orange": "#f07818",
    "yellow": "#f0d828",
    "green": "#287838",
    "blue": "#1c3c9c",
    "purple": "#7030a0",
    "pink": "#f0a0b8",
    "brown": "#6e4628",
    "beige": "#dcc8a8",
}


def on(background: str, colour: str) -> Image.Image:
    image = Image.new("RGB", (300, 400), background)
    image.paste(Image.new("RGB", (180, 240), colour), (60, 80))
    return image


@pytest.mark.parametrize("name", COLOURS)
def test_name__of_a_thing_on_another_ground(name):
    ground = "#fafafa" if name not in ("white", "beige") else "#303030"
    found, share = name_colour(on(ground, COLOURS[name]))
    assert found == name
    assert share > 0.8  # all but the edge


@pytest.mark.parametrize("name", COLOURS)
def test_name__of_a_picture_that_is_all_of_one_colour(name):
    assert name_colour(Image.new("RGB", (50, 50), COLOURS[name]))[0] == name


def test_share__of_a_thing_with_two_colours():
    image = on("#fafafa", COLOURS["red"])
    image.paste(Image.new("RGB", (180, 90), COLOURS["blue"]), (60, 80))
    name, share = name_colour(image)
    assert name == "red"
    assert 0.5 < share < 0.8


def test_words__of_a_shops_field():
    assert names_in("Navy / Off-White") == {"blue", "white"}
    assert names_in("teal") == {"blue", "green"}
    assert names_in("infrared") == set()


def test_near__knows_all_names():
    assert {name for pair in NEAR for name in pair} <= WORDS.keys()
    assert are_near("red", "pink")
    assert are_near("red", "red")
    assert not are_near("red", "blue")
    assert not CLASSES.keys() & WORDS.keys()
