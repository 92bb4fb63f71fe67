"""Fit the embedding's projections in one step, and define the training of the classes."""

from __future__ import annotations

import argparse

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from .data import PhotoSet
from .network import ShopNet
from .views import random_views, scale
from .weights import load_backbone
from .whitening import learned_whitening

SERVED_SIDE = 224


@torch.no_grad()
def fit_projections(model: ShopNet, photos: PhotoSet, seed: int, *, bf16: bool) -> None:
    """Fit both projections to whole photos and a random view of each; ``bf16`` is much faster.

    Views show rooms, floors and parts of garments in other light, as shoppers' photos of a product
    do compared with the shop's.
    """
    generator = torch.Generator().manual_seed(seed)
    features: list[list[Tensor]] = [[], []]
    colours: list[list[Tensor]] = [[], []]
    for chunk in tqdm(torch.arange(len(photos.labels)).split(64), desc="fit projections"):
        whole = F.interpolate(
            scale(photos.pixels[chunk]), SERVED_SIDE, mode="bilinear", antialias=True
        )
        view = random_views(photos.pixels[chunk], SERVED_SIDE, generator)
        for kind, x in enumerate((whole, view)):
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                seen = model.search_tail(model.trunk(x))
            features[kind].append(seen.float().mean((2, 3)))
            colours[kind].append(model.histogram(x))
    for projection, rows in (
        (model.search_projection, features),
        (model.colour_projection, colours),
    ):
        pairs = torch.cat(rows[0]), torch.cat(rows[1])
        projection.set(*learned_whitening(*pairs, projection.linear.out_features))


def build(args: argparse.Namespace, photos: PhotoSet) -> ShopNet:
    """Return a network with pretrained weights in both branches and fitted projections.

    Trunk and search branch are frozen; only the class branch learns.
    """
    backbone = load_backbone(args.weights)
    model = ShopNet(
        len(photos.classes),
        args.semantic_dim,
        args.colour_dim,
        args.colour_share,
        backbone.trunk.convention,
        class_share=args.class_share,
    )
    model.start_from(backbone)
    model.eval().to(memory_format=torch.channels_last)
    fit_projections(model, photos, args.seed, bf16=args.bf16)
    model.requires_grad_(False)
    model.class_branch.requires_grad_(True)
    return model


def mix(x: Tensor, labels: Tensor, classes: int, alpha: float) -> tuple[Tensor, Tensor]:
    """Blend views and labels in pairs (mixup; Zhang et al., 2018)."""
    onehot = F.one_hot(labels, classes).float()
    if not alpha:
        return x, onehot
    share = torch.distributions.Beta(alpha, alpha).sample().item()
    partner = torch.randperm(len(x))
    return (
        torch.lerp(x[partner], x, share),
        torch.lerp(onehot[partner], onehot, share),
    )


@torch.no_grad()
def validate(
    model: ShopNet, teacher: ShopNet | None, photos: PhotoSet, device: str
) -> dict[str, float]:
    """Return accuracy and class loss; with a teacher, the mean cosine to its search features."""
    model.eval()
    right, loss, agreement = 0, 0.0, 0.0
    for chunk in torch.arange(len(photos.labels)).split(64):
        x, labels = scale(photos.pixels[chunk].to(device)), photos.labels[chunk].to(device)
        output = model(x)
        right += int((output.logits.argmax(1) == labels).sum())
        loss += float(F.cross_entropy(output.logits, labels, reduction="sum"))
        if teacher is not None:
            agreement += float((output.features * teacher(x).features).sum())
    count = len(photos.labels)
    found = {"accuracy": right / count, "validation_loss": loss / count}
    return found if teacher is None else found | {"agreement": agreement / count}
