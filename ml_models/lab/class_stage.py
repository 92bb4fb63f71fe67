"""The second stage: pretrained weights mixed in again, then the class branch on sharp crops.

Source of the mean of weights: Wortsman et al., "Robust fine-tuning of zero-shot models" (2022).
"""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from torch import Tensor, nn

from .garment_views import garment_views
from .garments import Garments
from .lite_training import State, blend
from .network import Backbone, ShopNet
from .recipe import Recipe
from .set_targets import smooth, soft_cross_entropy, soft_targets
from .steps import Chance, Steps

RATE = 3e-4
ALPHA = 0.2
SOFT, SMOOTHING = 0.25, 0.05
# Key of the random numbers.
SHARP = 6


def mix_in(model: ShopNet, backbone: Backbone, share: float) -> None:
    """Make trunk and tails ``share`` of the pretrained weights and the rest of their own."""
    blend(model, weights_of(backbone), 1 - share)


def weights_of(backbone: Backbone) -> State:
    """Return the pretrained weights by the names that :class:`ShopNet` gives them."""
    parts: dict[str, nn.Module] = {
        "trunk": backbone.trunk, "search_tail": backbone.tail, "class_branch.tail": backbone.tail,
    }  # fmt: skip
    return {
        f"{part}.{name}": value
        for part, module in parts.items()
        for name, value in module.state_dict().items()
    }


class ClassStage:
    """The training of a class branch, which is also held to its answers before this stage."""

    def __init__(
        self,
        model: ShopNet,
        garments: Garments,
        weights: Tensor,
        recipe: Recipe,
        *,
        device: str,
        bf16: bool,
    ):
        self.model = model.to(device=device, memory_format=torch.channels_last)
        self.before = copy.deepcopy(model.class_branch).eval()
        self.garments, self.weights, self.recipe = garments, weights, recipe
        self.device, self.bf16 = device, bf16

    def fit(self, checkpoint: Path) -> dict[str, float]:
        """Train the class branch; return the last loss."""
        branch = self.model.class_branch
        steps = Steps(
            module=branch,
            groups=[{"params": list(branch.parameters()), "lr": RATE}],
            weight_decay=0.02,
            longest=0.99,
            steps=self.recipe.class_steps,
            checkpoint=checkpoint,
        )
        return steps.fit(self.losses, "class branch")

    def losses(self, step: int) -> dict[str, Tensor]:
        """Return the loss of a batch of views that are mixed in pairs."""
        chance = Chance(self.device, self.recipe.seed, SHARP, step)
        rows = chance.draw(self.garments.labelled, self.weights, self.recipe.class_batch)
        x = garment_views(self.garments, rows, self.recipe.side, chance)
        share, order = float(chance.numbers.beta(ALPHA, ALPHA)), chance.order(len(x))
        x = torch.lerp(x[order], x, share)
        with torch.autocast(self.device.split(":")[0], torch.bfloat16, enabled=self.bf16):
            with torch.no_grad():
                shared = self.model.trunk(x)
                said = self.before(shared).float().softmax(1)
            logits = self.model.class_branch(shared).float()
        allowed = self.garments.allowed[rows]
        # Both labels of a mixed view; ``said`` is already of the mixed view.
        first, second = (soft_targets(said, each, SOFT) for each in (allowed, allowed[order]))
        targets = smooth(torch.lerp(second, first, share), SMOOTHING)
        return {"class": soft_cross_entropy(logits, targets).mean()}
