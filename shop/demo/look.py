"""How a product's surfaces look: which colours, pattern and weave a part of it shows."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .colours import RGB, rgb, shaded
from .fabric import GLOSS, SIZE, WEAVES, Floats, weave
from .geometry import Frame
from .patterns import tile
from .products import Product

PLAIN = {"solid", "colour-block", "denim"}
FITTINGS = {"steel": 0.7, "brass": 0.7, "gum": 0.1, "horn": 0.5, "pearl": 0.6, "dark": 0.1}


@dataclass(frozen=True)
class Surface:
    """The bare, unlit colours of a part: float32 (h, w, 3) or (3,), 0 to 255; and its gloss."""

    colours: Floats
    gloss: float


@dataclass(frozen=True)
class Look:
    """A product's paints: roles such as `fabric` or `rib`, or colours by name."""

    product: Product

    @cached_property
    def roles(self) -> dict[str, RGB]:
        main, second = rgb(self.product.colour), rgb(self.product.second)
        block = second if self.product.pattern in PLAIN else main
        return {
            "fabric": main,
            "second": block,
            "accent": second,
            "rib": shaded(main, 0.93),
            "inside": shaded(main, 0.62),
            "edge": shaded(main, 0.8),
            "sole": rgb("white"),
        }

    def surface(
        self, paint: str, texture: str, turn: float, frame: Frame, place: "Place"
    ) -> Surface:
        """What a part shows at a place of the canvas."""
        base = self.roles.get(paint)
        if base is None:
            gloss = FITTINGS.get(paint, 0.0)
            colours = np.array(rgb(paint), np.float32)
            return Surface(self._woven(colours, texture, turn, frame, place), gloss)
        gloss = 0.05 if paint == "sole" else GLOSS.get(self.product.material, 0.0)
        colours = np.array(base, np.float32)
        patterned = paint == "fabric" and self.product.pattern not in PLAIN
        if patterned:
            colours = self._patterned(turn, frame, place)
        if paint == "sole":
            return Surface(colours, gloss)
        return Surface(self._woven(colours, texture, turn, frame, place), gloss)

    def _patterned(self, turn: float, frame: Frame, place: "Place") -> Floats:
        main, second = rgb(self.product.colour), rgb(self.product.second)
        pixels, scale = tile(self.product.pattern, main, second, round(frame.scale, 1))
        u, v = place.units(frame, turn)
        size = len(pixels)
        rows = (v * scale).astype(np.int32) % size
        columns = (u * scale).astype(np.int32) % size
        return pixels[rows, columns].astype(np.float32)

    def _woven(
        self, colours: Floats, texture: str, turn: float, frame: Frame, place: "Place"
    ) -> Floats:
        if "none" in (texture, WEAVES.get(texture or self.product.material)):
            return colours
        cloth = weave(texture or self.product.material, round(frame.scale, 1))
        u, v = place.units(frame, turn, bend=0.5)
        rows = (v * frame.scale).astype(np.int32) % SIZE
        columns = (u * frame.scale).astype(np.int32) % SIZE
        return colours * cloth[rows, columns][..., None]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A rectangle of the canvas, in pixels, and how its folds push the cloth aside."""

    left: int
    top: int
    width: int
    height: int
    bend_x: Floats  # (height, width), units
    bend_y: Floats

    def units(self, frame: Frame, turn: float, *, bend: float = 1.0) -> tuple[Floats, Floats]:
        """Cloth coordinates of every pixel, two float32 (height, width), in units."""
        x = np.arange(self.left, self.left + self.width, dtype=np.float32) - frame.shift[0]
        y = np.arange(self.top, self.top + self.height, dtype=np.float32) - frame.shift[1]
        angle = np.radians(frame.turn + turn)
        cos, sin = np.cos(angle) / frame.scale, np.sin(angle) / frame.scale
        far = np.float32(1000.0)  # keeps the coordinates positive
        u = (cos * x + far).astype(np.float32)[None, :] + (sin * y).astype(np.float32)[:, None]
        v = (cos * y + far).astype(np.float32)[:, None] - (sin * x).astype(np.float32)[None, :]
        return u + bend * self.bend_x, v + bend * self.bend_y
