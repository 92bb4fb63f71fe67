"""The one recipe that the benchmark trains every architecture with."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from .architectures import Classifier
from .data import PhotoSet, batches
from .run import learning_rate
from .views import random_views, scale


def train_epoch(
    model: Classifier, photos: PhotoSet, args: argparse.Namespace, epoch: int, step: Callable
) -> float:
    """All photos once, as random views; the mean loss."""
    model.train()
    torch.manual_seed(args.seed * 1000 + epoch)
    generator = torch.Generator().manual_seed(args.seed * 1000 + epoch)
    chunks = list(batches(len(photos.labels), args.batch, generator))
    total = 0.0
    for chunk in tqdm(chunks, desc=f"epoch {epoch + 1}/{args.epochs}"):
        x = random_views(photos.pixels[chunk], args.side, generator)
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
            logits = model(x)
        loss = F.cross_entropy(logits.float(), photos.labels[chunk], label_smoothing=args.smoothing)
        step(loss)
        total += loss.item()
    return total / len(chunks)


def train(
    model: Classifier,
    photos: PhotoSet,
    held_out: PhotoSet,
    args: argparse.Namespace,
    log: Callable[[dict[str, float], int], None],
) -> dict[str, float]:
    """The recipe: AdamW, one epoch of warm-up, half a cosine; the last epoch counts.

    ``log`` receives loss and validation accuracy after each epoch. Returns the time of training,
    ``training_seconds`` on the clock and ``training_cpu_seconds`` of all threads, which other work
    on the machine does not change.
    """
    model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), args.lr, weight_decay=args.weight_decay)
    per_epoch = len(list(batches(len(photos.labels), args.batch, torch.Generator())))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: learning_rate(step, per_epoch * args.epochs, per_epoch)
    )

    def step(loss: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        schedule.step()

    took = np.zeros(2)
    for epoch in range(args.epochs):
        started = now()
        loss = train_epoch(model, photos, args, epoch, step)
        took += now() - started
        log({"loss": loss, "accuracy": accuracy(model, held_out)}, epoch + 1)
    names = ("training_seconds", "training_cpu_seconds")
    return {name: round(float(value), 1) for name, value in zip(names, took, strict=True)}


def now() -> NDArray[np.float64]:
    """Seconds on the clock and of the processor, from some beginning: (2,)."""
    return np.array([time.monotonic(), time.process_time()])


@torch.no_grad()
def accuracy(model: Classifier, photos: PhotoSet) -> float:
    """Share of photos whose class is the most probable one."""
    model.eval()
    found = [model(scale(chunk)).argmax(1) for chunk in photos.pixels.split(64)]
    return float((torch.cat(found) == photos.labels).float().mean())
