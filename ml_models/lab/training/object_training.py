"""Train an object head on the cells of pictures whose things are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..networks.object_head import ObjectHead

BATCH, RATE, DECAY = 128, 3e-3, 1e-3
# Points within this share of a box's side around its middle learn the box.
CENTRE = 0.25
# Weights of the losses of boxes and of classes; that of objectness is 2, too.
BOXES, CLASSES = 2.0, 0.5
SMOOTHING = 0.05


@dataclass(frozen=True, kw_only=True)
class Lessons:
    """Pictures as an encoder sees them, and what the head should say at each of P points.

    ``cells`` (N, h, w, channels) float16, ``colours`` (N, h, w, n, 3) uint8, ``saliency`` (N, h, w)
    float16; ``boxes`` (N, P, 4), ``labels`` (N, P): index of a class, -1 for an unknown class, -2
    at a point that learns no box.
    """

    cells: Tensor
    colours: Tensor
    saliency: Tensor
    boxes: Tensor
    labels: Tensor

    def batch(self, rows: Tensor) -> Lessons:
        """Return some rows in float32; half of the batches are mirrored."""
        cells, saliency = self.cells[rows].float(), self.saliency[rows].float()
        colours, boxes, labels = self.colours[rows], self.boxes[rows], self.labels[rows]
        if torch.rand(()) < 0.5:
            points = ObjectHead.points(self.cells.shape[1])
            cells, colours, saliency = (each.flip(2) for each in (cells, colours, saliency))
            boxes, labels = (
                each.unflatten(1, (points, points)).flip(2).flatten(1, 2)
                for each in (boxes, labels)
            )
            boxes[..., 0] = 1 - boxes[..., 0] - boxes[..., 2]
        return Lessons(cells=cells, colours=colours, saliency=saliency, boxes=boxes, labels=labels)


def targets(
    things: Sequence[tuple[int, tuple[float, float, float, float]]], points: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the box (P, 4) and the label (P,) that each point (P, 2) learns, as in Lessons.

    ``things``: class index, -1 if unknown, and box. Near the middle of several boxes, a point
    learns the smallest one.
    """
    boxes, labels = torch.zeros(len(points), 4), torch.full((len(points),), -2)
    step = 1 / len(points) ** 0.5
    for label, (x, y, w, h) in sorted(things, key=lambda thing: -thing[1][2] * thing[1][3]):
        far = (points - torch.tensor([x + w / 2, y + h / 2])).abs()
        near = torch.tensor([max(CENTRE * w, 0.75 * step), max(CENTRE * h, 0.75 * step)])
        at = (far <= near).all(1)
        at[far.square().sum(1).argmin()] = True
        boxes[at], labels[at] = torch.tensor([x, y, w, h], dtype=torch.float32), label
    return boxes, labels


def train_head(head: ObjectHead, lessons: Lessons, epochs: int) -> Iterator[float]:
    """Train a new head; yield the mean loss of each epoch."""
    head.standardise(lessons.cells[:: max(1, len(lessons.cells) // 3000)].float())
    batches = max(1, len(lessons.cells) // BATCH)
    optimizer = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=DECAY)
    rates = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, RATE, total_steps=epochs * batches, pct_start=0.1
    )
    for _ in range(epochs):
        head.train()
        total = 0.0
        for rows in torch.randperm(len(lessons.cells))[: batches * BATCH].chunk(batches):
            optimizer.zero_grad()
            loss = loss_of(head, lessons.batch(rows))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(head.parameters(), 5)
            optimizer.step()
            rates.step()
            total += float(loss.detach())
        yield total / batches
    head.eval()


def loss_of(head: ObjectHead, batch: Lessons) -> Tensor:
    """Return the sum of the losses of boxes (generalised IoU), objectness and classes.

    The target of objectness is the intersection over union of the predicted box, as in the quality
    focal loss of Li et al. (2020).
    """
    boxes, objectness, classes = head.raw(batch.cells, batch.colours, batch.saliency)
    here = batch.labels > -2
    shared, generalised = overlap(boxes[here], batch.boxes[here])
    wanted = torch.zeros_like(objectness)
    wanted[here] = shared.detach()
    focus = (objectness.detach().sigmoid() - wanted).abs() ** 1.5
    sure = F.binary_cross_entropy_with_logits(objectness, wanted, reduction="none") * focus
    known = batch.labels >= 0
    told = F.cross_entropy(classes[known], batch.labels[known], label_smoothing=SMOOTHING)
    count = here.sum().clamp_min(1)
    loss: Tensor = 2 * sure.sum() / count + BOXES * (1 - generalised).mean() + CLASSES * told
    return loss


def overlap(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return the intersection over union of boxes (n, 4) x, y, w, h, and the generalised one.

    Source: Rezatofighi et al., "Generalized Intersection over Union" (2019).
    """
    low, high = a[:, :2], a[:, :2] + a[:, 2:]
    other_low, other_high = b[:, :2], b[:, :2] + b[:, 2:]
    inner = (torch.min(high, other_high) - torch.max(low, other_low)).clamp_min(0).prod(1)
    union = (a[:, 2:].prod(1) + b[:, 2:].prod(1) - inner).clamp_min(1e-9)
    hull = (torch.max(high, other_high) - torch.min(low, other_low)).prod(1).clamp_min(1e-9)
    return inner / union, inner / union - (hull - union) / hull
