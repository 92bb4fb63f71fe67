"""Build a network from pretrained weights, and fit the projections of its embedding."""

from __future__ import annotations

import argparse

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from ..networks.initial_weights import load_backbone
from ..networks.shopnet import ShopNet
from ..photos.augmentation import random_views
from ..photos.photo_sets import PhotoSet
from ..photos.pixels import SERVED_SIDE, scale
from .whitening import learned_whitening


@torch.no_grad()
def fit_projections(model: ShopNet, photos: PhotoSet, seed: int, *, bf16: bool) -> None:
    """Fit the projections of search features and of colour, from whole photos and random views.

    A view stands for a shopper's photo of a product: a part of it, in other light, before another
    background. ``seed``: of the views. ``bf16``: compute in bfloat16, which is faster.
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


def build_network(args: argparse.Namespace, photos: PhotoSet) -> ShopNet:
    """Return a network with pretrained weights, and projections fitted to ``photos``.

    ``args``: options of :mod:`.train_options`. Only the class branch takes gradients.
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
