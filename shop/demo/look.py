"""Surfaces of a product: the colours, pattern and weave of each part."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .colours import RGB, rgb, shaded
from .fabric import GLOSS, SIZE, WEAVES, Floats, enlarged, plane, weave
from .geometry import Frame
from .patterns import tile
from .products import Product

PLAIN = {"solid", "denim"}
FITTINGS = {"steel": 0.7, "brass": 0.7, "gum": 0.1, "horn": 0.5, "pearl": 0.6, "dark": 0.1}
# Isotropic weaves, which need not follow the cloth.
EVEN = {"fine", "felt", "grain"}


@dataclass(frozen=True)
class Surface:
    """The unlit appearance of a part."""

    colours: Floats  # (3, h, w) or (3, 1, 1), 0 to 255
    weave: Floats | float  # (h, w), around 1
    gloss: float


@dataclass(frozen=True, kw_only=True)
class Place:
    """A rectangle of the canvas in pixels, with the slopes of its folds, which shift the cloth."""

    left: int
    top: int
    width: int
    height: int
    slope_x: Floats  # coarse
    slope_y: Floats
    push: float  # units by which a slope of 1 shifts the cloth

    @cached_property
    def bend(self) -> tuple[Floats, Floats]:
        size = (self.width, self.height)
        return enlarged(self.slope_x * self.push, size), enlarged(self.slope_y * self.push, size)

    def units(self, frame: Frame, turn: float) -> tuple[Floats, Floats]:
        """Return the cloth coordinates u and v of each pixel, float32 (height, width), in units."""
        x = np.arange(self.left, self.left + self.width, dtype=np.float32) - frame.shift[0]
        y = np.arange(self.top, self.top + self.height, dtype=np.float32) - frame.shift[1]
        angle = np.radians(frame.turn + turn)
        cos, sin = np.cos(angle) / frame.scale, np.sin(angle) / frame.scale
        far = 1000.0  # keeps the coordinates positive
        u = (cos * x + far).astype(np.float32)[None, :] + (sin * y).astype(np.float32)[:, None]
        v = (cos * y + far).astype(np.float32)[:, None] - (sin * x).astype(np.float32)[None, :]
        return u + self.bend[0], v + self.bend[1]


def near(scale: float) -> float:
    """Round a scale so that products share cached tiles."""
    return round(scale * 2) / 2


@dataclass(frozen=True)
class Look:
    """Resolves a product's paints: roles such as `fabric` or `rib`, or colour names."""

    product: Product

    @cached_property
    def roles(self) -> dict[str, RGB]:
        main, second = rgb(self.product.colour), rgb(self.product.second)
        return {
            "fabric": main,
            "second": second,
            "accent": second,
            "rib": shaded(main, 0.93),
            "inside": shaded(main, 0.62),
            "edge": shaded(main, 0.8),
            "sole": rgb("white"),
        }

    def surface(self, paint: str, texture: str, turn: float, frame: Frame, place: Place) -> Surface:
        """Return the unlit surface of a part at a place of the canvas."""
        colours = plane(self.roles.get(paint) or rgb(paint))
        gloss = GLOSS.get(self.product.material, 0.0)
        if paint not in self.roles or paint == "sole":
            gloss, texture = FITTINGS.get(paint, 0.0), texture or "none"
        if paint == "fabric" and self.product.pattern not in PLAIN:
            colours = self._patterned(turn, frame, place)
        return Surface(colours, self._weave(texture, turn, frame, place), gloss)

    def _patterned(self, turn: float, frame: Frame, place: Place) -> Floats:
        main, second = rgb(self.product.colour), rgb(self.product.second)
        pixels, scale = tile(self.product.pattern, main, second, near(frame.scale))
        u, v = place.units(frame, turn)
        size = pixels.shape[1]
        rows = (v * scale).astype(np.int32) % size
        columns = (u * scale).astype(np.int32) % size
        return pixels.reshape(3, -1)[:, rows * size + columns]

    def _weave(self, texture: str, turn: float, frame: Frame, place: Place) -> Floats | float:
        name = texture or self.product.material
        kind = WEAVES.get(name, name)
        if kind == "none":
            return 1.0
        cloth = weave(kind, near(frame.scale))
        if kind in EVEN:
            repeats = (-(-place.height // SIZE), -(-place.width // SIZE))
            return np.tile(cloth, repeats)[: place.height, : place.width]
        u, v = place.units(frame, turn)
        rows = (v * frame.scale).astype(np.int32) % SIZE
        columns = (u * frame.scale).astype(np.int32) % SIZE
        return cloth.ravel()[rows * SIZE + columns]
