"""Train any architecture of the benchmark by the same recipe."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from ..networks.architectures import Classifier
from ..photos.augmentation import random_views
from ..photos.photo_sets import PhotoSet, shuffled_batches
from ..photos.pixels import scale
from ..training.learning_rates import learning_rate
from .benchmark_photos import BenchmarkPhotos


@dataclass(frozen=True, kw_only=True)
class BenchmarkRecipe:
    """Hyperparameters: AdamW, one epoch of warm-up, then half a cosine; the last epoch counts.

    ``side``: pixels of a training view. ``smoothing``: label smoothing, 0…1.
    """

    epochs: int
    lr: float
    side: int
    batch: int
    weight_decay: float
    smoothing: float
    bf16: bool
    seed: int


def train_epoch(
    model: Classifier,
    photos: PhotoSet,
    recipe: BenchmarkRecipe,
    epoch: int,
    step: Callable[[Tensor], None],
) -> float:
    """Train on a random view of each photo; return the mean loss.

    ``epoch``: counted from 0, seeds the views. ``step(loss)`` makes the optimizer step.
    """
    model.train()
    device = photos.pixels.device
    torch.manual_seed(recipe.seed * 1000 + epoch)
    generator = torch.Generator().manual_seed(recipe.seed * 1000 + epoch)
    drawn = torch.Generator(device).manual_seed(recipe.seed * 1000 + epoch)
    chunks = list(shuffled_batches(len(photos.labels), recipe.batch, generator))
    total = torch.zeros((), device=device)
    for chunk in tqdm(chunks, desc=f"epoch {epoch + 1}/{recipe.epochs}"):
        rows = chunk.to(device)
        x = random_views(photos.pixels[rows], recipe.side, drawn)
        with torch.autocast(device.type, torch.bfloat16, enabled=recipe.bf16):
            logits = model(x)
        loss = F.cross_entropy(
            logits.float(), photos.labels[rows], label_smoothing=recipe.smoothing
        )
        step(loss)
        total += loss.detach()
    return float(total) / len(chunks)


def train_network(
    model: Classifier, photos: BenchmarkPhotos, recipe: BenchmarkRecipe, device: str
) -> tuple[dict[str, float], list[dict[str, float]]]:
    """Train a network on ``device``, and move it back to the CPU.

    Return its training time, and ``loss`` and validation ``accuracy`` per epoch. The time is
    ``training_seconds`` by the clock, and ``training_cpu_seconds`` of all threads, which does not
    depend on other work on the machine.
    """
    model.to(device, memory_format=torch.channels_last)
    training, floors = moved(photos.train, device), moved(photos.floors, device)
    optimizer = torch.optim.AdamW(model.parameters(), recipe.lr, weight_decay=recipe.weight_decay)
    per_epoch = len(list(shuffled_batches(len(training.labels), recipe.batch, torch.Generator())))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: learning_rate(step, per_epoch * recipe.epochs, per_epoch)
    )

    def step(loss: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        schedule.step()

    took, log = np.zeros(2), []
    for epoch in range(recipe.epochs):
        started = now()
        loss = train_epoch(model, training, recipe, epoch, step)
        took += now() - started
        log.append({"loss": round(loss, 4), "accuracy": round(accuracy(model, floors), 4)})
    model.to("cpu")
    names = ("training_seconds", "training_cpu_seconds")
    return {name: round(float(value), 1) for name, value in zip(names, took, strict=True)}, log


def moved(photos: PhotoSet, device: str) -> PhotoSet:
    """Return photos with their tensors on ``device``."""
    return PhotoSet(
        pixels=photos.pixels.to(device), labels=photos.labels.to(device), classes=photos.classes
    )


def now() -> NDArray[np.float64]:
    """Return wall-clock and processor seconds (2,), each from an arbitrary zero."""
    return np.array([time.monotonic(), time.process_time()])


@torch.no_grad()
def accuracy(model: Classifier, photos: PhotoSet) -> float:
    """Return the share of photos that the network classifies correctly."""
    model.eval()
    found = [model(scale(chunk)).argmax(1) for chunk in photos.pixels.split(64)]
    return float((torch.cat(found) == photos.labels).float().mean())
