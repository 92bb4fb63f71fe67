"""Train step by step; a resumed run ends with the same bits as an uninterrupted one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from .learning_rates import rate_factor


class Average:
    """An exponential moving average of a module's weights, with a smaller decay at first.

    ``longest``: the decay that it reaches, 0…1.
    """

    def __init__(self, module: nn.Module, longest: float):
        self.longest = longest
        self.state = {name: value.clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Update the average with the weights after ``step``, counted from 1."""
        decay = min(self.longest, (step + 1) / (step + 20))
        new = module.state_dict()
        names = [name for name, value in self.state.items() if value.is_floating_point()]
        torch._foreach_lerp_(
            [self.state[name] for name in names], [new[name] for name in names], 1 - decay
        )


@dataclass(kw_only=True)
class Steps:
    """A training loop over numbered steps that resumes from its checkpoint.

    ``warmup``: share of the steps in which the learning rate rises. ``clip``: greatest norm of the
    gradient.
    """

    module: nn.Module
    """The module whose state is saved; the optimizer trains the parameters in ``groups``."""
    groups: Sequence[dict[str, Any]]
    """Parameter groups of AdamW, each with its learning rate."""
    weight_decay: float
    longest: float
    """Decay of the averaged weights, 0…1."""
    steps: int
    checkpoint: Path
    warmup: float = 0.04
    clip: float = 5.0
    every: int = 200
    """Steps between two checkpoints."""
    step: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.optimizer = torch.optim.AdamW(self.groups, weight_decay=self.weight_decay)
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        self.average = Average(self.module, self.longest)

    def fit(self, losses: Callable[[int], dict[str, Tensor]], name: str) -> dict[str, float]:
        """Train the remaining steps, load the averaged weights, and return the last losses by name.

        ``losses(step)`` returns the weighted losses of a step, counted from 0, which are added up.
        Its random numbers must depend on the step alone, so that a resumed run repeats them.
        ``name``: label of the progress bar.
        """
        self.resume()
        found: dict[str, float] = {}
        with tqdm(total=self.steps, initial=self.step, desc=name) as bar:
            while self.step < self.steps:
                terms = losses(self.step)
                self.update(terms)
                if self.step % self.every == 0 or self.step == self.steps:
                    found = {term: round(value.item(), 4) for term, value in terms.items()}
                    bar.set_postfix(found)
                    self.save()
                bar.update()
        self.module.load_state_dict(self.average.state)
        return found

    def update(self, terms: dict[str, Tensor]) -> None:
        """Make an optimizer step on the sum of the losses ``terms``, and update the average."""
        factor = rate_factor(self.step / self.steps, self.warmup)
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor
        self.optimizer.zero_grad(set_to_none=True)
        torch.stack(list(terms.values())).sum().backward()
        nn.utils.clip_grad_norm_(learning(self.optimizer), self.clip)
        self.optimizer.step()
        self.step += 1
        self.average.update(self.module, self.step)

    def save(self) -> None:
        """Write the checkpoint atomically."""
        state = {
            "step": self.step,
            "module": self.module.state_dict(),
            "average": self.average.state,
            "optimizer": self.optimizer.state_dict(),
        }
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        part.replace(self.checkpoint)

    def resume(self) -> None:
        """Load the last checkpoint, if there is one."""
        if self.checkpoint.exists():
            state = torch.load(self.checkpoint, map_location="cpu")
            self.module.load_state_dict(state["module"])
            for name, value in self.average.state.items():
                value.copy_(state["average"][name])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step = state["step"]


def learning(optimizer: torch.optim.Optimizer) -> Iterable[nn.Parameter]:
    """Return all parameters that an optimizer trains."""
    return [each for group in optimizer.param_groups for each in group["params"]]
