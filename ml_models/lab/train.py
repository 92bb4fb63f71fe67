"""Train the shop model: classes and search features together, from pretrained weights.

    python -m ml_models.lab.train --data TRAIN --validation VALIDATION --weights NPZ --out RUN

One step sees one batch of random views, mixed in pairs. The class branch learns the labels; the
search branch is held, by cosine distance, to the features that the frozen pretrained network has
for the same views, projected to the embedding's size. An interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from visualsearch.encoders.preprocess import InputSpec

from .data import PhotoSet, batches, load_photos
from .objective import SERVED_SIDE, build, mix, validate
from .views import random_views

STORED_SIDE = 256


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Command line of the recipe; the defaults are the recipe of the model that ships."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="training photos, a folder per class"
    )
    parser.add_argument("--validation", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True, help="initial weights (npz)")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of this run; resumed if it exists"
    )
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--side", type=int, default=192, help="pixels of a training view")
    parser.add_argument("--lr", type=float, default=3e-4)
    parser.add_argument("--weight-decay", type=float, default=0.02)
    parser.add_argument("--smoothing", type=float, default=0.1)
    parser.add_argument(
        "--mixup", type=float, default=0.2, help="alpha of the Beta distribution; 0: off"
    )
    parser.add_argument("--distil", type=float, default=10.0, help="weight of the feature distance")
    parser.add_argument("--ema", type=float, default=0.995, help="decay of the averaged weights")
    parser.add_argument("--semantic-dim", type=int, default=384)
    parser.add_argument("--colour-dim", type=int, default=96)
    parser.add_argument("--colour-share", type=float, default=0.3)
    parser.add_argument("--bf16", action="store_true", help="compute in bfloat16 where the CPU can")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(argv)


def learning_rate(step: int, steps: int, warmup: int) -> float:
    """Linear warm-up, then half a cosine to 1 % (a factor of the base rate)."""
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))


class Run:
    """A training run and its folder: state that survives an interruption."""

    def __init__(self, args: argparse.Namespace, photos: PhotoSet):
        self.args, self.photos = args, photos
        model, teacher, target = build(args, photos)
        fast = {"device": args.device, "memory_format": torch.channels_last}
        self.model = model.to(**fast)
        self.teacher = nn.Sequential(teacher, target).to(**fast)
        self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(args.ema))
        self.optimizer = torch.optim.AdamW(
            [p for p in self.model.parameters() if p.requires_grad],
            lr=args.lr,
            weight_decay=args.weight_decay,
        )
        per_epoch = len(list(batches(len(photos.labels), args.batch, torch.Generator())))
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer,
            lambda step: learning_rate(step, per_epoch * args.epochs, per_epoch),
        )
        self.epoch = 0
        self.checkpoint = args.out / "checkpoint.pt"

    def step(self, pixels: Tensor, labels: Tensor, generator: torch.Generator) -> dict[str, float]:
        """One batch: (N, 3, s, s) uint8 and labels (N,); returns the losses."""
        args = self.args
        x = random_views(pixels, args.side, generator).to(args.device)
        x, target = mix(x, labels.to(args.device), len(self.photos.classes), args.mixup)
        with torch.autocast(args.device.split(":")[0], torch.bfloat16, enabled=args.bf16):
            with torch.no_grad():
                wanted = self.teacher(x)
            features, logits = self.model(x)
        class_loss = F.cross_entropy(logits.float(), target, label_smoothing=args.smoothing)
        distance = (1 - (features.float() * wanted.float()).sum(1)).mean()
        loss = class_loss + args.distil * distance
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self.optimizer.step()
        self.schedule.step()
        self.average.update_parameters(self.model)
        return {"class_loss": class_loss.item(), "feature_distance": distance.item()}

    def train_epoch(self) -> dict[str, float]:
        """All photos once; the mean losses."""
        self.model.train()
        generator = torch.Generator().manual_seed(self.args.seed * 1000 + self.epoch)
        torch.manual_seed(self.args.seed * 1000 + self.epoch)
        chunks = list(batches(len(self.photos.labels), self.args.batch, generator))
        totals: dict[str, float] = {}
        for chunk in tqdm(chunks, desc=f"epoch {self.epoch + 1}/{self.args.epochs}"):
            losses = self.step(self.photos.pixels[chunk], self.photos.labels[chunk], generator)
            totals = {
                name: totals.get(name, 0) + value / len(chunks) for name, value in losses.items()
            }
        return totals

    def save(self) -> None:
        """Write the whole state aside and move it into place."""
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

    def resume(self) -> None:
        """Go on from the last finished epoch, if there is one."""
        if self.checkpoint.exists():
            state = torch.load(self.checkpoint, map_location=self.args.device)
            for name in ("model", "average", "optimizer", "schedule"):
                getattr(self, name).load_state_dict(state[name])
            self.epoch = state["epoch"]


def main(argv: list[str] | None = None) -> None:
    """Train; ``model.pt`` holds the averaged weights of the last epoch, ``log.csv`` its course.

    The last epoch is taken, not the best one on validation: of few photos, the best is mostly luck,
    and what validation says of a model that it chose is too good.
    """
    args = parse_args(argv)
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    photos = load_photos(args.data, InputSpec(size=STORED_SIDE))
    # Validation sees what serving will see: a second resampling would cost a point of accuracy.
    held_out = load_photos(args.validation, InputSpec(size=SERVED_SIDE))
    if held_out.classes != photos.classes:
        raise ValueError(
            f"{args.data} and {args.validation} hold different classes: give both a folder for"
            f" each of {', '.join(sorted({*photos.classes, *held_out.classes}))}"
        )
    run = Run(args, photos)
    run.resume()
    while run.epoch < args.epochs:
        started = time.monotonic()
        row = run.train_epoch()
        row |= validate(run.average.module, run.teacher, held_out, args.device)
        row["seconds"] = time.monotonic() - started
        run.epoch += 1
        save_model(args, run, row)
        append_log(args.out, run.epoch, row)
        run.save()
        print(
            json.dumps(
                {"epoch": run.epoch} | {name: round(value, 4) for name, value in row.items()}
            )
        )


def save_model(args: argparse.Namespace, run: Run, row: dict[str, float]) -> None:
    """The averaged weights with what is needed to rebuild the network and to tell its origin."""
    config = {
        "semantic_dim": args.semantic_dim,
        "colour_dim": args.colour_dim,
        "colour_share": args.colour_share,
    }
    recipe = {
        name: value.name if isinstance(value, Path) else value
        for name, value in vars(args).items()
        if name not in ("out", "device")
    }
    torch.save(
        {
            "weights": run.average.module.state_dict(),
            "config": config,
            "classes": run.photos.classes,
            "recipe": recipe,
            "validation": row,
            "epoch": run.epoch,
        },
        args.out / "model.pt",
    )


def read_log(folder: Path) -> list[dict[str, float]]:
    """The rows of ``log.csv`` so far."""
    path = folder / "log.csv"
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def append_log(folder: Path, epoch: int, row: dict[str, float]) -> None:
    """Replace the log by its rows before this epoch and this one."""
    rows = [*read_log(folder)[: epoch - 1], {"epoch": epoch, **row}]
    with (folder / "log.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[-1]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
