"""A table of colours by the names that shops use."""

from PIL import ImageColor

RGB = tuple[int, int, int]

COLOURS: dict[str, RGB] = {
    "white": (240, 239, 235),
    "cream": (236, 226, 204),
    "beige": (211, 192, 164),
    "sand": (196, 173, 138),
    "camel": (184, 138, 84),
    "brown": (108, 72, 47),
    "chocolate": (70, 46, 34),
    "black": (34, 34, 37),
    "charcoal": (66, 68, 73),
    "grey": (146, 148, 152),
    "silver": (196, 198, 201),
    "navy": (34, 45, 82),
    "blue": (44, 92, 168),
    "sky": (150, 190, 224),
    "denim": (72, 100, 142),
    "indigo": (42, 54, 88),
    "bleach": (150, 175, 203),
    "teal": (26, 112, 116),
    "mint": (162, 210, 188),
    "sage": (148, 164, 136),
    "green": (42, 122, 76),
    "forest": (30, 70, 52),
    "olive": (98, 99, 58),
    "lemon": (244, 222, 110),
    "mustard": (212, 158, 40),
    "orange": (228, 122, 44),
    "rust": (170, 82, 46),
    "coral": (238, 122, 102),
    "red": (190, 36, 44),
    "burgundy": (112, 28, 46),
    "pink": (232, 132, 164),
    "blush": (238, 202, 196),
    "lilac": (188, 168, 214),
    "purple": (98, 62, 128),
    # Only for fittings such as buttons and zips.
    "steel": (168, 170, 174),
    "brass": (182, 146, 82),
    "gum": (178, 130, 84),
    "horn": (92, 66, 48),
    "pearl": (232, 228, 218),
    "dark": (38, 36, 36),
    "straw": (219, 190, 134),
}


def rgb(name: str) -> RGB:
    """Return the RGB value, 0 to 255, of a colour name or of `#rrggbb`."""
    if name in COLOURS:
        return COLOURS[name]
    red, green, blue = ImageColor.getrgb(name)[:3]
    return red, green, blue


def shaded(colour: RGB, factor: float) -> RGB:
    """Darken a colour by a factor below 1, or lighten it towards white above 1."""
    if factor <= 1:
        red, green, blue = (round(channel * factor) for channel in colour)
    else:
        red, green, blue = (round(255 - (255 - c) * (2 - factor)) for c in colour)
    return red, green, blue
