"""Values of the colours that words name, in English and French."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

RGB = tuple[int, int, int]

# The colours as they occur in clothes, which are duller than those of screens.
COLOURS: dict[str, RGB] = {
    "black noir noire noirs noires": (28, 28, 30),
    "white blanc blanche blancs blanches": (242, 242, 240),
    "gray grey gris grise grises": (135, 136, 138),
    "charcoal anthracite": (62, 64, 68),
    "silver argent argenté argentée": (190, 192, 196),
    "red rouge rouges": (186, 32, 40),
    "burgundy bordeaux maroon": (104, 24, 42),
    "pink rose roses": (232, 140, 170),
    "fuchsia magenta": (206, 40, 130),
    "orange oranges": (232, 110, 36),
    "coral corail": (240, 118, 98),
    "rust rouille terracotta": (166, 76, 44),
    "yellow jaune jaunes": (238, 204, 60),
    "mustard moutarde": (200, 156, 44),
    "gold golden doré dorée or": (196, 160, 82),
    "green vert verte verts vertes": (58, 128, 74),
    "olive khaki kaki": (104, 104, 64),
    "mint menthe": (168, 218, 194),
    "teal canard pétrole": (24, 106, 112),
    "turquoise cyan": (64, 184, 190),
    "blue bleu bleue bleus bleues": (50, 92, 168),
    "navy marine": (30, 38, 68),
    "denim": (78, 104, 140),
    "purple violet violette violets violettes": (104, 62, 138),
    "lavender lilac lavande lilas mauve": (176, 156, 208),
    "plum prune": (90, 40, 80),
    "brown marron brun brune bruns brunes chocolate chocolat": (100, 66, 44),
    "camel tan caramel": (184, 138, 88),
    "beige sand sable": (214, 196, 166),
    "cream ivory crème ivoire ecru écru": (240, 232, 212),
}
BY_WORD: dict[str, RGB] = {
    word: value for words, value in COLOURS.items() for word in words.split()
}
# Words that make the colour beside them lighter or darker: the share of white or black.
LIGHTER = {"light", "pale", "pastel", "baby", "sky", "clair", "claire", "pâle", "ciel"}
DARKER = {"dark", "deep", "midnight", "foncé", "foncée", "sombre", "nuit"}
SHARE = 0.45


@dataclass(frozen=True)
class NamedColour:
    """A colour in a text: the words that name it, and red, green and blue of 0…255."""

    words: frozenset[str]
    value: RGB


def colour_in(text: str, own: Mapping[str, str]) -> NamedColour | None:
    """Return the last colour that a text names, None if it names none.

    ``own``: the shop's names of colours, of one or more words, with values such as ``#1f2a44``;
    they come first.
    """
    words = words_of(text)
    for name, value in own.items():
        named = words_of(name)
        if named and f" {' '.join(named)} " in f" {' '.join(words)} ":
            return NamedColour(frozenset(named), from_hex(value))
    places = [n for n, word in enumerate(words) if word in BY_WORD]
    if not places:
        return None
    place = places[-1]
    colour, word = BY_WORD[words[place]], frozenset({words[place]})
    around = {*words[max(0, place - 1) : place], *words[place + 1 : place + 2]}
    if around & LIGHTER:
        return NamedColour(word, mixed(colour, 255))
    return NamedColour(word, mixed(colour, 0) if around & DARKER else colour)


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, without digits."""
    return re.findall(r"[^\W\d_]+", text.lower())


def mixed(colour: RGB, with_level: int) -> RGB:
    """Return a colour mixed with grey of a level, 0…255."""
    red, green, blue = (round((1 - SHARE) * c + SHARE * with_level) for c in colour)
    return red, green, blue


def from_hex(value: str) -> RGB:
    """Return red, green and blue, 0…255, of a colour such as ``#1f2a44``.

    Raises ValueError for a malformed one.
    """
    match = re.fullmatch(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", value)
    if match is None:
        raise ValueError(f"{value!r} is not a colour such as #1f2a44")
    red, green, blue = (int(each, 16) for each in match.groups())
    return red, green, blue
