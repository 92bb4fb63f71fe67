"""The losses of training a whole network: classes, the teacher's features, and search.

Sources: Hinton et al., "Distilling the Knowledge in a Neural Network" (2015); Romero et al.,
"FitNets" (2015), for features of a teacher by a linear layer; van den Oord et al., "Representation
Learning with Contrastive Predictive Coding" (2018), for InfoNCE; Zhang et al., "mixup" (2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..networks.lite_teacher import Teacher
from ..networks.mobilenet import Backbone
from ..networks.shopnet import ShopNet
from ..photos.garment_augmentation import garment_views, judged_views, tagged_views
from ..photos.garments import Garments, Tagged
from ..photos.random_numbers import Chance
from ..photos.sources import Kind
from .recipe import Recipe
from .set_losses import smooth, soft_cross_entropy, soft_targets, within
from .whitening import learned_whitening

# Learning rates per part.
RATES = {"class": 6e-4, "trunk": 3e-4, "search": 1.5e-4, "heads": 1e-3}
# Weights of the losses, relative to the class loss.
FEATURES, KEEP, LEARN, PAIRS = 1.5, 1.5, 1.0, 0.3
# Share of the class loss towards the teacher's unrestricted probabilities.
SOFT, SMOOTHING = 0.6, 0.03
MIXED, ALPHA = 0.5, 0.3
TEMPERATURE = 0.07
# Ignore a tagged view if the teacher's total probability of its tags is lower: its crop probably
# shows something else.
LEAST_TAGGED = 0.25
# Number of photos that the frame is fitted to.
FRAME_PHOTOS = 1536
# Keys of the random numbers.
FRAME, STEP, PAIR = 3, 4, 5


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The vector spaces in which features are compared, fixed during training.

    ``mean`` (320,) and ``basis`` (d, 320): whitening of the pretrained search features. ``taught``
    (features,): mean of the teacher's features.
    """

    mean: Tensor
    basis: Tensor
    taught: Tensor

    def search(self, features: Tensor) -> Tensor:
        """Convert search features (N, 320) to the whitened space (N, d)."""
        return (features - self.mean) @ self.basis.T


class WholeNetwork(nn.Module):
    """A network with linear heads that predict the teacher's features, in training only.

    ``features``: length of the teacher's features.
    """

    def __init__(self, model: ShopNet, features: int):
        super().__init__()
        self.model = model.requires_grad_(False)
        for part in (model.trunk, model.search_tail, model.class_branch):
            part.requires_grad_(True)
        self.of_class = nn.Linear(model.class_branch.wide.out_channels, features)
        self.of_search = nn.Linear(model.search_tail.features, features)

    @property
    def groups(self) -> list[dict[str, Any]]:
        """Parameter groups for an optimizer, each with its learning rate."""
        parts = {
            "trunk": [self.model.trunk],
            "search": [self.model.search_tail],
            "class": [self.model.class_branch],
            "heads": [self.of_class, self.of_search],
        }
        return [
            {"params": [each for part in of for each in part.parameters()], "lr": RATES[name]}
            for name, of in parts.items()
        ]


class WholeObjective:
    """Computes the losses of a training step; the pretrained backbone and the teacher stay frozen.

    ``weights`` (N,): sampling weight of each garment. ``tagged``: photos labelled as a whole, or
    None. ``bf16``: compute in bfloat16.
    """

    def __init__(
        self,
        network: WholeNetwork,
        backbone: Backbone,
        teacher: Teacher,
        garments: Garments,
        tagged: Tagged | None,
        weights: Tensor,
        recipe: Recipe,
        *,
        device: str,
        bf16: bool,
    ):
        self.network, self.backbone, self.teacher = network, backbone, teacher
        self.garments, self.tagged, self.weights = garments, tagged, weights
        self.recipe, self.device, self.bf16 = recipe, device, bf16
        self.frame = self.fit_frame()

    def autocast(self) -> torch.autocast:
        """Return the context manager of a forward pass, for bfloat16 if wanted."""
        return torch.autocast(self.device.split(":")[0], torch.bfloat16, enabled=self.bf16)

    @torch.no_grad()
    def fit_frame(self) -> Frame:
        """Fit the vector spaces to photos of garments alone, each whole and in part."""
        garments, side = self.garments, self.recipe.side
        chance = Chance(self.device, self.recipe.seed, FRAME)
        floors = garments.train[garments.kinds[garments.train] == Kind.FLOOR]
        floors = floors[chance.order(len(floors))][:FRAME_PHOTOS]
        whole, part, taught = [], [], []
        for chunk in floors.split(128):
            whole.append(self.pretrained(judged_views(garments, chunk, side)))
            x = garment_views(garments, chunk, side, chance)
            part.append(self.pretrained(x))
            with self.autocast():
                taught.append(self.teacher(x)[1].float())
        dim = self.recipe.semantic_dim
        mean, basis = learned_whitening(torch.cat(whole).cpu(), torch.cat(part).cpu(), dim)
        return Frame(
            mean=mean.to(self.device),
            basis=basis.to(self.device),
            taught=torch.cat(taught).mean(0),
        )

    @torch.no_grad()
    def pretrained(self, x: Tensor) -> Tensor:
        """Return the pretrained backbone's search features (N, 320) of views (N, 3, s, s)."""
        with self.autocast():
            return self.backbone.tail(self.backbone.trunk(x)).mean((2, 3)).float()

    def losses(self, step: int) -> dict[str, Tensor]:
        """Return the weighted losses of a step by name; half of the batches use mixup.

        Search losses are computed for batches without mixup, and the pair loss for every second
        step.
        """
        chance = Chance(self.device, self.recipe.seed, STEP, step)
        x, allowed, tagged = self.batch(chance)
        with torch.no_grad(), self.autocast():
            logits, taught = (each.float() for each in self.teacher(x))
        targets, weights = targets_of(logits.softmax(1), allowed, tagged)
        mixed = chance.numbers.random() < MIXED
        seen = x
        if mixed:
            share = float(chance.numbers.beta(ALPHA, ALPHA))
            order = chance.order(len(x))
            seen, targets, weights, taught = (
                torch.lerp(each[order], each, share) for each in (x, targets, weights, taught)
            )
        model = self.network.model
        with self.autocast():
            shared = model.trunk(seen)
            pooled = model.class_branch.map(shared).mean((2, 3))
            answer = model.class_branch.classifier(pooled)
        found = {
            "class": (weights * soft_cross_entropy(answer, targets)).mean(),
            "features": FEATURES * self.distance(self.network.of_class, pooled, taught),
        }
        if not mixed:
            found |= self.search_losses(x, shared, taught)
            if step % 2 == 0 and len(self.garments.pairs):
                found["pairs"] = PAIRS * self.pair_loss(step)
        return found

    def batch(self, chance: Chance) -> tuple[Tensor, Tensor, Tensor]:
        """Draw a batch: views (B, 3, s, s), allowed classes (B, 15), and which are tagged (B,).

        A tagged view comes from a photo labelled as a whole.
        """
        recipe, garments = self.recipe, self.garments
        rows = chance.draw(garments.train, self.weights, recipe.batch)
        x, allowed = garment_views(garments, rows, recipe.side, chance), garments.allowed[rows]
        tags = recipe.tags if self.tagged else 0
        if self.tagged and tags:
            some = chance.pick(len(self.tagged.pixels), tags)
            more = tagged_views(self.tagged.pixels[some], recipe.side, chance)
            x = torch.cat([x, more]).contiguous(memory_format=torch.channels_last)
            allowed = torch.cat([allowed, self.tagged.allowed[some]])
        return x, allowed, torch.arange(len(x), device=self.device) >= recipe.batch

    def search_losses(self, x: Tensor, shared: Tensor, taught: Tensor) -> dict[str, Tensor]:
        """Return the losses that keep search features near the pretrained and the teacher's ones.

        ``x``: views (N, 3, s, s). ``shared``: the trunk's maps for them. ``taught``: the teacher's
        features.
        """
        with self.autocast():
            seen = self.network.model.search_tail(shared).mean((2, 3)).float()
        ours, theirs = self.frame.search(seen), self.frame.search(self.pretrained(x))
        return {
            "keep": KEEP * (1 - F.cosine_similarity(ours, theirs)).mean(),
            "learn": LEARN * self.distance(self.network.of_search, seen, taught),
        }

    def distance(self, head: nn.Linear, features: Tensor, taught: Tensor) -> Tensor:
        """Return the mean of 1 - cosine between the teacher's features and the head's prediction.

        ``features`` (N, d): input of ``head``. ``taught`` (N, features): the teacher's features;
        their mean is subtracted here.
        """
        guess = head(features.float())
        return (1 - F.cosine_similarity(guess, taught - self.frame.taught)).mean()

    def pair_loss(self, step: int) -> Tensor:
        """Return the InfoNCE loss that matches a worn garment with the same garment alone."""
        chance = Chance(self.device, self.recipe.seed, PAIR, step)
        chosen = chance.pick(len(self.garments.pairs), self.recipe.pairs)
        pairs = self.garments.pairs[chosen]
        side = self.recipe.side
        worn = garment_views(self.garments, pairs[:, 0], side, chance)
        alone = garment_views(self.garments, pairs[:, 1], side, chance, least=0.6)
        x = torch.cat([worn, alone]).contiguous(memory_format=torch.channels_last)
        model = self.network.model
        with self.autocast():
            seen = model.search_tail(model.trunk(x)).mean((2, 3)).float()
        first, second = F.normalize(self.frame.search(seen), dim=1).chunk(2)
        return info_nce(first, second, pairs[:, 1])


def targets_of(probabilities: Tensor, allowed: Tensor, tagged: Tensor) -> tuple[Tensor, Tensor]:
    """Return targets (B, 15) and weights (B,) from the teacher's probabilities (B, 15).

    ``allowed`` (B, 15): classes that the label allows. ``tagged`` (B,): views of photos labelled as
    a whole. Such a view may show none of its labels, so its weight is the teacher's total
    probability of them, or 0 below a quarter.
    """
    inside, mass = within(probabilities, allowed)
    targets = torch.where(tagged[:, None], inside, soft_targets(probabilities, allowed, SOFT))
    weights = torch.where(tagged, mass * (mass > LEAST_TAGGED), torch.ones_like(mass))
    return smooth(targets, SMOOTHING), weights


def info_nce(first: Tensor, second: Tensor, groups: Tensor) -> Tensor:
    """Return the InfoNCE loss between the unit vectors ``first`` and ``second``, (P, d) each.

    ``groups`` (P,): rows with the same number match.
    """
    similar = first @ second.T / TEMPERATURE
    same = (groups[:, None] == groups[None]).float()
    wanted = same / same.sum(1, keepdim=True)
    both = soft_cross_entropy(similar, wanted).mean() + soft_cross_entropy(similar.T, wanted).mean()
    return both / 2
