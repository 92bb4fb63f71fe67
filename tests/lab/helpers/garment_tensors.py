"""Small random garment tensors and a teacher, for tests of objectives."""

import torch
from torch import nn

from ml_models.lab.photos.class_masks import mask
from ml_models.lab.photos.garments import Garments, Tagged
from ml_models.lab.photos.label_sets import LEAVES
from ml_models.lab.photos.random_numbers import Chance
from ml_models.lab.photos.sources import Kind


class TinyTeacher(nn.Module):
    """A random frozen network with the interface of a teacher."""

    features = 24

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, self.features, 8, 8)
        self.head = nn.Linear(self.features, len(LEAVES))
        with torch.no_grad():
            chance = Chance("cpu", 5)
            for each in self.parameters():
                each.copy_(chance.uniform(-0.3, 0.3, *each.shape))
        self.eval().requires_grad_(False)

    def forward(self, x):
        features = self.conv(x).relu().mean((2, 3))
        return self.head(features), features


def smooth_photos(count, chance):
    """Draw smooth random photos, uint8 (count, 3, 256, 256)."""
    coarse = chance.uniform(0, 255, count, 3, 6, 6)
    return nn.functional.interpolate(coarse, 256, mode="bilinear").round().to(torch.uint8)


def some_garments():
    """Return a floor and a worn photo per class, and a street photo each to train on and to judge.

    The first floor photo has no label.
    """
    count, chance = len(LEAVES), Chance("cpu", 1)
    every = torch.eye(count)
    allowed = torch.cat([every, every, mask(["hoodie", "longsleeve"])[None], mask(["hat"])[None]])
    allowed[0] = 0
    kinds = [Kind.FLOOR] * count + [Kind.WORN] * count + [Kind.STREET] * 2
    floors = torch.arange(count)
    return Garments(
        pixels=smooth_photos(len(kinds), chance),
        places=torch.tensor([[0.0, 0.0, 1.0, 1.0]] * count + [[0.3, 0.3, 0.4, 0.4]] * (count + 2)),
        allowed=allowed,
        kinds=torch.tensor([int(kind) for kind in kinds]),
        train=torch.arange(len(kinds) - 1),
        judged=torch.tensor([len(kinds) - 1]),
        pairs=torch.stack([floors + count, floors], 1),
    )


def some_tagged():
    """Return two photos of people with labels of what they wear."""
    pixels = smooth_photos(2, Chance("cpu", 2))
    return Tagged(
        pixels=nn.functional.pad(pixels, (0, 0, 0, 128)),
        allowed=torch.stack([mask(["hat", "dress"]), mask(["pants"])]),
    )
