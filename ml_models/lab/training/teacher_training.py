"""Train the teacher: first its linear head, then all of it, then average both weights.

Sources: Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform
Out-of-Distribution" (2022), for the head first; Wortsman et al., "Robust fine-tuning of zero-shot
models" (2022), for the mean of both weights.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from ..networks.lite_teacher import LiteTeacher
from ..photos.garment_augmentation import garment_views
from ..photos.garments import Garments
from ..photos.random_numbers import Chance
from .recipe import Recipe
from .set_losses import set_loss
from .steps import Steps

State = dict[str, Tensor]

# Weight of the squared head weights, of standardised features.
RIDGE = 3e-4
# Keys of the random numbers.
HEAD, WHOLE = 1, 2


class TeacherTraining:
    """The training of a teacher on labelled garments.

    ``weights`` (N,): sampling weight of each garment. ``bf16``: compute in bfloat16.
    """

    def __init__(
        self,
        teacher: LiteTeacher,
        garments: Garments,
        weights: Tensor,
        recipe: Recipe,
        *,
        device: str,
        bf16: bool,
    ):
        self.teacher = teacher.to(device=device, memory_format=torch.channels_last)
        self.garments, self.weights, self.recipe = garments, weights, recipe
        self.device, self.bf16 = device, bf16

    def autocast(self) -> torch.autocast:
        """Return the context manager of a forward pass, for bfloat16 if wanted."""
        return torch.autocast(self.device.split(":")[0], torch.bfloat16, enabled=self.bf16)

    @torch.no_grad()
    def look(self) -> tuple[Tensor, Tensor]:
        """Return the teacher's features of random views of all labelled garments.

        Also return the garment's index of each. Both have ``teacher_passes`` × T rows for T
        garments; features are (…, 1280).
        """
        chunks = self.garments.labelled.split(256)
        features, rows = [], []
        with tqdm(total=len(chunks) * self.recipe.teacher_passes, desc="teacher sees") as bar:
            for turn in range(self.recipe.teacher_passes):
                for k, chunk in enumerate(chunks):
                    chance = Chance(self.device, self.recipe.seed, HEAD, turn, k)
                    x = garment_views(self.garments, chunk, self.recipe.side, chance, least=0.4)
                    with self.autocast():
                        features.append(self.teacher.see(x).float())
                    rows.append(chunk)
                    bar.update()
        return torch.cat(features), torch.cat(rows)

    def fit_head(self) -> None:
        """Fit the linear head to the frozen network's features, a convex problem, by L-BFGS."""
        features, rows = self.look()
        mean, deviation = features.mean(0), features.std(0).clamp_min(1e-3)
        weight, bias = solve(
            (features - mean) / deviation, self.garments.allowed[rows], self.weights[rows]
        )
        head = self.teacher.head
        with torch.no_grad():
            head.weight.copy_(weight / deviation)
            head.bias.copy_(bias - (weight / deviation) @ mean)

    def fine_tune(self, checkpoint: Path) -> dict[str, float]:
        """Train the whole teacher, and average its weights with those before.

        ``checkpoint``: file to resume from. Return the last loss.
        """
        before = {name: each.clone() for name, each in self.teacher.state_dict().items()}
        body = [each for name, each in self.teacher.net.named_parameters() if name[:3] != "_fc"]
        steps = Steps(
            module=self.teacher,
            groups=[
                {"params": body, "lr": 1.5e-4},
                {"params": list(self.teacher.head.parameters()), "lr": 3e-4},
            ],
            weight_decay=0.05,
            longest=0.997,
            steps=self.recipe.teacher_steps,
            checkpoint=checkpoint,
            warmup=0.05,
            clip=3.0,
        )
        found = steps.fit(self.losses, "teacher")
        blend(self.teacher, before, self.recipe.teacher_share)
        return found

    def losses(self, step: int) -> dict[str, Tensor]:
        """Return the loss of the batch of a step, as ``class``."""
        chance = Chance(self.device, self.recipe.seed, WHOLE, step)
        rows = chance.draw(self.garments.labelled, self.weights, self.recipe.teacher_batch)
        x = garment_views(self.garments, rows, self.recipe.side, chance, least=0.35)
        with self.autocast():
            logits, _ = self.teacher(x)
        return {"class": set_loss(logits, self.garments.allowed[rows], 0.08).mean()}


def solve(features: Tensor, allowed: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Fit a linear classifier to features (T, d); return weight (15, d) and bias (15,).

    ``allowed`` (T, 15): classes that each label allows; ``weights`` (T,): weight of each row.
    """
    classes = allowed.shape[1]
    weight = features.new_zeros(classes, features.shape[1]).requires_grad_()
    bias = features.new_zeros(classes).requires_grad_()
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=150, history_size=12, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        fit = (set_loss(features @ weight.T + bias, allowed, 0.02) * weights).mean()
        loss = fit + RIDGE * weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return weight.detach(), bias.detach()


@torch.no_grad()
def blend(module: nn.Module, other: State, share: float) -> None:
    """Set a module's weights to ``share`` × its own + (1 - ``share``) × those of ``other``."""
    for name, value in module.state_dict().items():
        if name in other and value.is_floating_point():
            value.copy_(torch.lerp(other[name].to(value.device), value, share))
