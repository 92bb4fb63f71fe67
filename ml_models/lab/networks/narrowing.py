"""Initialise a narrower network with the strongest channels of a trained one.

A layer keeps the output channels with the largest weights, and the inputs that the layer before it
kept. Each channel is then rescaled, layer by layer, to its mean and deviation in the original
network. Otherwise the sums of fewer inputs would be too small, as there is no batch norm to correct
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .mobilenet import Block
from .shopnet import ShopNet

# Channels that hardly vary are not scaled up.
MOST = 100.0


class Taken(NamedTuple):
    """A narrow layer, the layer it was copied from, and the indices of the copied outputs."""

    narrow: nn.Conv2d | nn.Linear
    whole: nn.Conv2d | nn.Linear
    outs: Tensor


@torch.no_grad()
def take_channels(student: ShopNet, teacher: ShopNet, x: Tensor) -> None:
    """Initialise ``student``, a narrower ``teacher``, with the teacher's strongest channels.

    ``x``: photos (N, 3, s, s) in [-1, 1] to measure channels on. The colour projection is not
    changed. Channels that a pruned teacher lacks stay untrained.
    """
    taken: list[Taken] = []
    stem = strongest(student.trunk.stem.out_channels, teacher.trunk.stem.weight)
    fill(taken, student.trunk.stem, teacher.trunk.stem, stem, torch.arange(3))
    shared = take_blocks(taken, student.trunk.blocks, teacher.trunk.blocks, stem)
    seen = take_blocks(taken, student.search_tail.blocks, teacher.search_tail.blocks, shared)
    mine, theirs = student.search_projection.linear, teacher.search_projection.linear
    fill(taken, mine, theirs, torch.arange(theirs.out_features), seen)
    own, branch = student.class_branch, teacher.class_branch
    seen = take_blocks(taken, own.tail.blocks, branch.tail.blocks, shared)
    wide = strongest(own.wide.out_channels, branch.wide.weight[:, seen])
    fill(taken, own.wide, branch.wide, wide, seen)
    every = torch.arange(branch.classifier.out_features)
    fill(taken, own.classifier, branch.classifier, every, wide)
    settle(taken, student, teacher, x)


def take_blocks(
    taken: list[Taken], mine: Sequence[Block], theirs: Sequence[Block], ins: Tensor
) -> Tensor:
    """Copy weights of consecutive blocks; return the indices of their output channels.

    ``mine``, ``theirs``: blocks of student and teacher. ``ins``: indices of the teacher's input
    channels that are kept. ``taken`` collects the copied layers.
    """
    outs = ins
    for number, (narrow, whole) in enumerate(zip(mine, theirs, strict=True)):
        if not whole.residual:
            adding = takewhile(lambda block: block.residual, theirs[number + 1 :])
            stream = [block.project.weight for block in (whole, *adding)]
            outs = strongest(narrow.project.out_channels, *stream)
        inside = ins
        if whole.expand is not None and narrow.expand is not None:
            rows, columns = whole.expand.weight[:, ins], whole.project.weight[outs].transpose(0, 1)
            count = narrow.depthwise.out_channels
            inside = strongest(count, rows, whole.depthwise.weight, columns)
            fill(taken, narrow.expand, whole.expand, inside, ins)
        fill(taken, narrow.depthwise, whole.depthwise, inside, torch.arange(1))
        fill(taken, narrow.project, whole.project, outs, inside)
        ins = outs
    return outs


def strongest(count: int, *weights: Tensor) -> Tensor:
    """Return the indices of the ``count`` output channels with the largest weights, ascending.

    ``weights``: tensors (channels, ...) whose squares are added per channel.
    """
    size = torch.stack([weight.flatten(1).square().sum(1) for weight in weights]).sum(0)
    return size.topk(min(count, len(size))).indices.sort().values


def fill(
    taken: list[Taken],
    narrow: nn.Conv2d | nn.Linear,
    whole: nn.Conv2d | nn.Linear,
    outs: Tensor,
    ins: Tensor,
) -> None:
    """Copy weights from the layer ``whole`` to ``narrow``, and append both to ``taken``.

    ``outs``, ``ins``: indices of the outputs and inputs to copy.
    """
    narrow.weight[: len(outs), : len(ins)] = whole.weight[outs][:, ins]
    narrow.bias[: len(outs)] = whole.bias[outs]
    taken.append(Taken(narrow, whole, outs))


def settle(taken: list[Taken], student: ShopNet, teacher: ShopNet, x: Tensor) -> None:
    """Rescale each copied channel to its mean and deviation in the teacher.

    ``taken``: the copied layers. ``x``: photos (N, 3, s, s) in [-1, 1] to measure on.
    """
    wanted: dict[nn.Module, Tensor] = {}
    origin: dict[nn.Module, Taken] = {row.narrow: row for row in taken}

    def listen(layer: nn.Module, _: Any, y: Tensor) -> None:
        wanted[layer] = moments(y)

    def follow(layer: nn.Module, _: Any, y: Tensor) -> Tensor:
        narrow, whole, outs = origin[layer]
        scale, shift = torch.ones(y.shape[1]), torch.zeros(y.shape[1])
        (mean, deviation), (aim, spread) = moments(y)[:, : len(outs)], wanted[whole][:, outs]
        scale[: len(outs)] = (spread / deviation).nan_to_num(1.0).clamp(max=MOST)
        shift[: len(outs)] = aim - mean * scale[: len(outs)]
        narrow.weight *= scale.view(-1, *[1] * (narrow.weight.dim() - 1))
        narrow.bias.copy_(narrow.bias * scale + shift)
        along = (-1, *[1] * (y.dim() - 2))
        return y * scale.view(along) + shift.view(along)

    hooks = [row.whole.register_forward_hook(listen) for row in taken]
    hooks += [row.narrow.register_forward_hook(follow) for row in taken]
    teacher(x)
    student(x)
    for hook in hooks:
        hook.remove()


def moments(y: Tensor) -> Tensor:
    """Return mean and standard deviation (2, c) of each channel of ``y``.

    ``y``: (N, c) or (N, c, h, w).
    """
    rows = y.transpose(0, 1).flatten(1)
    return torch.stack([rows.mean(1), rows.std(1)])
