"""What is learned: student, teacher and the losses between them."""

from __future__ import annotations

import argparse

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from .data import PhotoSet
from .network import Backbone, Projection, ShopNet
from .views import random_views, scale
from .weights import load_backbone, narrow

SERVED_SIDE = 224


@torch.no_grad()
def principal_axes(rows: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Mean (d,) and the first ``dim`` principal axes (dim, d) of rows (N, d)."""
    mean = rows.mean(0)
    _, _, axes = torch.linalg.svd(rows - mean, full_matrices=False)
    return mean, axes[:dim]


@torch.no_grad()
def fit_projections(model: ShopNet, teacher: Backbone, photos: PhotoSet, seed: int) -> None:
    """Fit both projections on whole photos and on random views of them.

    Views show rooms, floors and parts as well as whole garments, so that the kept axes are not
    those of clothes on a hanger alone.
    """
    generator = torch.Generator().manual_seed(seed)
    features, colours = [], []
    for chunk in tqdm(torch.arange(len(photos.labels)).split(64), desc="fit projections"):
        whole = F.interpolate(
            scale(photos.pixels[chunk]), SERVED_SIDE, mode="bilinear", antialias=True
        )
        for x in (whole, random_views(photos.pixels[chunk], SERVED_SIDE, generator)):
            features.append(teacher(x))
            colours.append(model.histogram(x))
    model.search_projection.set(
        *principal_axes(torch.cat(features), model.search_projection.linear.out_features)
    )
    model.colour_projection.set(
        *principal_axes(torch.cat(colours), model.colour_projection.linear.out_features)
    )


def build(args: argparse.Namespace, photos: PhotoSet) -> tuple[ShopNet, Backbone, Projection]:
    """The student with the pretrained weights in both branches, the teacher and its projection."""
    teacher = load_backbone(args.weights).eval().requires_grad_(False)
    model = ShopNet(len(photos.classes), args.semantic_dim, args.colour_dim, args.colour_share)
    model.trunk.load_state_dict(teacher.trunk.state_dict())
    model.search_branch.load_state_dict(teacher.branch.state_dict())
    model.class_branch.load_state_dict(
        narrow(teacher.branch, model.class_branch.wide.out_channels).state_dict()
    )
    fit_projections(model, teacher, photos, args.seed)
    model.colour_projection.requires_grad_(False)
    target = Projection(teacher.branch.wide.out_channels, args.semantic_dim)
    target.load_state_dict(model.search_projection.state_dict())
    return model, teacher, target.requires_grad_(False)


def mix(x: Tensor, labels: Tensor, classes: int, alpha: float) -> tuple[Tensor, Tensor]:
    """Mixup (Zhang et al., 2018): views blended in pairs, and the labels with them."""
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
def validate(model: ShopNet, teacher: nn.Module, photos: PhotoSet, device: str) -> dict[str, float]:
    """Accuracy, and the mean cosine between the search features and the teacher's."""
    model.eval()
    right, agreement = 0, 0.0
    for chunk in torch.arange(len(photos.labels)).split(64):
        x = scale(photos.pixels[chunk].to(device))
        features, logits = model(x)
        right += int((logits.argmax(1).cpu() == photos.labels[chunk]).sum())
        agreement += float((features * teacher(x)).sum())
    count = len(photos.labels)
    return {"accuracy": right / count, "agreement": agreement / count}
