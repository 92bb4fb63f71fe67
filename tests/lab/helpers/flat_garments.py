"""Photos of garments that lie on a floor, for tests of cutting out and try-on."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

GROUND, RED = (196, 180, 150), (190, 30, 40)
# Outlines of the classes in a photo of 200 × 280 pixels.
SHAPES = {
    "t-shirt": [(70, 60), (130, 60), (190, 95), (172, 130), (142, 112), (142, 240), (58, 240),
                (58, 112), (28, 130), (10, 95)],
    "longsleeve": [(75, 60), (125, 60), (150, 80), (192, 210), (168, 220), (138, 130), (138, 240),
                   (62, 240), (62, 130), (32, 220), (8, 210), (50, 80)],
    "pants": [(60, 40), (140, 40), (155, 250), (115, 250), (100, 100), (85, 250), (45, 250)],
    "shorts": [(50, 80), (150, 80), (170, 210), (106, 210), (100, 130), (94, 210), (30, 210)],
    "skirt": [(70, 70), (130, 70), (165, 220), (35, 220)],
    "dress": [(75, 30), (125, 30), (120, 110), (160, 265), (40, 265), (80, 110)],
    "shoes": [(40, 90), (90, 80), (95, 220), (105, 220), (110, 80), (160, 90), (150, 240),
              (50, 240)],
    "hat": [(45, 170), (60, 60), (140, 60), (155, 170), (188, 210), (12, 210)],
}  # fmt: skip
SHAPES |= {"shirt": SHAPES["t-shirt"], "outwear": SHAPES["longsleeve"]}


def lying(label, ground=GROUND, colour=RED):
    """Return a photo of a garment of one colour on a floor, with camera noise, and its mask."""
    mask = Image.new("L", (200, 280))
    ImageDraw.Draw(mask).polygon(SHAPES[label], fill=255)
    image = Image.new("RGB", mask.size, ground)
    image.paste(colour, (0, 0), mask.filter(ImageFilter.GaussianBlur(1)))
    noise = np.random.default_rng(1).normal(0, 4, (280, 200, 1))
    pixels = np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels), np.asarray(mask) > 127
