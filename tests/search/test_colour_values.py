import pytest

from visualsearch.search.colour_values import colour_in, from_hex


def value(text, own=()):
    found = colour_in(text, dict(own))
    return None if found is None else found.value


def test_colour_in__words():
    assert value("like this, but in NAVY please") == value("le même en bleu marine")
    assert value("a warm jumper") is None
    assert colour_in("red or green", {}).words == {"green"}


def test_colour_in__lighter_and_darker():
    light, usual, dark = (sum(value(f"{word} green")) for word in ("light", "", "dark"))
    assert light > usual > dark
    assert value("vert foncé") == value("dark green")


def test_colour_in__the_shops_own():
    own = {"dusty rose": "#c9a2a0", "or": "#ffd700"}
    assert value("in Dusty Rose", own.items()) == (0xC9, 0xA2, 0xA0)
    assert value("rose", own.items()) == value("pink")
    assert colour_in("dusty rose", own).words == {"dusty", "rose"}


@pytest.mark.parametrize("text", ["red", "#12345", "#gggggg", "112233"])
def test_from_hex__malformed(text):
    with pytest.raises(ValueError, match="#1f2a44"):
        from_hex(text)
