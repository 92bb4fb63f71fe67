"""A training run in a folder: steps, checkpoints, log and resuming."""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from ..exceptions import Refused
from ..networks.shopnet import ShopNet
from ..photos.augmentation import random_views
from ..photos.photo_sets import PhotoSet, shuffled_batches
from .best_epoch import Row, append_log, best_epoch, out_of_patience, read_log
from .class_weights import class_weights, weighted_cross_entropy
from .learning_rates import learning_rate
from .mixup import mix
from .teachers import Teachers, learns
from .validation import validate


class Run:
    """A training run whose folder holds its state, so that it resumes after an interruption."""

    def __init__(
        self,
        args: argparse.Namespace,
        photos: PhotoSet,
        model: ShopNet,
        teachers: Sequence[ShopNet] = (),
        parents: dict[str, str] | None = None,
    ):
        """Prepare to train the parameters of ``model`` that take gradients.

        ``photos``: the training photos. ``teachers``: networks to learn from, if any. ``parents``:
        the coarser class of each finer one, stored with the weights.

        ``args``: options of :mod:`.train_options`. ``args.distil`` is the weight of the cosine
        distance to the first teacher's search features, if the model's can change; ``args.soft`` is
        the share of the class loss towards the teachers' mean probabilities instead of the labels
        (Hinton et al., "Distilling the Knowledge in a Neural Network", 2015; at temperature 1).

        Raises Refused if there are fewer photos than half a batch.
        """
        self.args, self.photos, self.parents = args, photos, parents or {}
        fast = {"device": args.device, "memory_format": torch.channels_last}
        self.model = model.to(**fast)
        self.teachers = Teachers([teacher.to(**fast) for teacher in teachers], self.model)
        search = (model.trunk, model.search_tail, model.search_projection)
        self.held_by = teachers[0] if teachers and learns(*search) else None
        soft = getattr(args, "soft", 0.0) if teachers else 0.0
        distil = getattr(args, "distil", 0.0)
        self.shares = {"class_loss": 1 - soft, "soft_loss": soft, "feature_distance": distil}
        self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(args.ema))
        self.optimizer = torch.optim.AdamW(
            [p for p in self.model.parameters() if p.requires_grad],
            lr=args.lr,
            weight_decay=args.weight_decay,
        )
        per_epoch = len(list(shuffled_batches(len(photos.labels), args.batch, torch.Generator())))
        if not per_epoch:
            raise Refused(
                f"{len(photos.labels)} training photos are less than half a batch of"
                f" {args.batch}: add photos, or give a smaller --batch"
            )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer,
            lambda step: learning_rate(step, per_epoch * args.epochs, per_epoch),
        )
        weights = class_weights(photos.labels, len(photos.classes), args.class_weights)
        self.class_weights = weights.to(args.device)
        self.epoch = 0
        self.checkpoint = args.out / "checkpoint.pt"

    def losses(self, x: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Return each loss by name, before its weight.

        ``x``: views (N, 3, s, s) in [-1, 1]; ``target``: soft labels (N, classes).
        """
        found = {}
        with torch.autocast(self.args.device.split(":")[0], torch.bfloat16, enabled=self.args.bf16):
            shared = self.model.trunk(x)
            logits = self.model.class_branch(shared).float()
            seen = self.teachers.look(x, shared)
            wanted = self.teachers.probabilities(seen) if self.shares["soft_loss"] else None
            if self.held_by is not None:
                pooled = self.model.search_tail(shared).mean((2, 3))
                features = self.model.search_projection(pooled).float()
                cosine = (features * self.teachers.features(seen)).sum(1)
                found["feature_distance"] = (1 - cosine).mean()
        found["class_loss"] = self.class_loss(logits, target, self.args.smoothing)
        if wanted is not None:
            found["soft_loss"] = self.class_loss(logits, wanted, 0.0)
        return found

    def class_loss(self, logits: Tensor, target: Tensor, smoothing: float) -> Tensor:
        """Return the cross-entropy of logits and soft targets (N, classes), weighted by class.

        ``smoothing``: label smoothing, 0…1.
        """
        return weighted_cross_entropy(logits, target, self.class_weights, smoothing)

    def step(self, pixels: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, float]:
        """Train on one batch of photos, uint8 (N, 3, s, s); return the losses by name.

        ``generator``: of the random views.
        """
        args = self.args
        x = random_views(pixels, args.side, generator, least=args.least, stretch=args.stretch).to(
            args.device
        )
        losses = self.losses(*mix(x, labels.to(args.device), len(self.photos.classes), args.mixup))
        total = torch.stack([self.shares[name] * loss for name, loss in losses.items()]).sum()
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self.optimizer.step()
        self.schedule.step()
        self.average.update_parameters(self.model)
        return {name: loss.item() for name, loss in losses.items()}

    def train_epoch(self) -> dict[str, float]:
        """Train on all photos once; return the mean losses and the learning rate by name."""
        self.model.train()
        generator = torch.Generator().manual_seed(self.args.seed * 1000 + self.epoch)
        torch.manual_seed(self.args.seed * 1000 + self.epoch)
        chunks = list(shuffled_batches(len(self.photos.labels), self.args.batch, generator))
        totals: dict[str, float] = {}
        for chunk in tqdm(chunks, desc=f"epoch {self.epoch + 1}/{self.args.epochs}"):
            losses = self.step(self.photos.pixels[chunk], self.photos.labels[chunk], generator)
            totals = {
                name: totals.get(name, 0) + value / len(chunks) for name, value in losses.items()
            }
        return totals | {"learning_rate": self.optimizer.param_groups[0]["lr"]}

    def save(self) -> None:
        """Write the checkpoint atomically."""
        state = {
            "epoch": self.epoch,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "classes": self.photos.classes,
            "args": {name: str(value) for name, value in vars(self.args).items()},
        }
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        part.replace(self.checkpoint)

    def rows(self) -> list[Row]:
        """Return the log of the finished epochs, without that of an interrupted one."""
        return read_log(self.args.out)[: self.epoch]

    def resume(self) -> None:
        """Load the checkpoint of the last finished epoch, if there is one."""
        if self.checkpoint.exists():
            state = torch.load(self.checkpoint, map_location=self.args.device)
            for name in ("model", "average", "optimizer", "schedule"):
                getattr(self, name).load_state_dict(state[name])
            self.epoch = state["epoch"]

    def fit(self, held_out: PhotoSet) -> None:
        """Train the remaining epochs, or until ``args.patience`` runs out; log and save each.

        ``held_out``: validation photos. Each epoch's results are printed as JSON.
        """
        args = self.args
        while self.epoch < args.epochs and not out_of_patience(self.rows(), args.patience):
            started = time.monotonic()
            row = self.train_epoch()
            row |= validate(self.average.module, self.held_by, held_out, args.device)
            row["seconds"] = time.monotonic() - started
            self.epoch += 1
            append_log(args.out, self.epoch, row)
            self.save_model("model.pt")
            if best_epoch(self.rows()) == self.epoch:
                self.save_model("best.pt")
            self.save()
            print(
                json.dumps(
                    {"epoch": self.epoch} | {name: round(value, 4) for name, value in row.items()}
                )
            )

    def ship(self) -> Row:
        """Write the chosen epoch's network to ``model.pt``; return that epoch's row of the log.

        ``args.ship`` chooses the last or the best epoch. The default is the last: with few photos
        the best one is mostly luck, and the validation accuracy of a model that was chosen by it is
        too high.
        """
        args, rows = self.args, self.rows()
        stopped = out_of_patience(rows, args.patience) and self.epoch < args.epochs
        if (args.ship or ("best" if stopped else "last")) == "last":
            self.save_model("model.pt")
            return rows[-1]
        part = args.out / "model.part"
        shutil.copyfile(args.out / "best.pt", part)
        part.replace(args.out / "model.pt")
        return rows[best_epoch(rows) - 1]

    def save_model(self, name: str) -> None:
        """Save the averaged weights to the file ``name``, with configuration and recipe."""
        args = self.args
        recipe = {
            name: value.name if isinstance(value, Path) else value
            for name, value in vars(args).items()
            if name not in ("out", "device")
        }
        part = args.out / f"{name}.part"
        torch.save(
            {
                "weights": self.average.module.state_dict(),
                "config": self.model.config,
                "classes": self.photos.classes,
                "parents": self.parents,
                "recipe": recipe,
                "validation": self.rows()[-1],
                "epoch": self.epoch,
            },
            part,
        )
        part.replace(args.out / name)
