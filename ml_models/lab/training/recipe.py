"""Hyperparameters of fine-tuning a whole network, and their command-line options."""

from __future__ import annotations

import argparse
from dataclasses import Field, dataclass, field, fields
from typing import Any


def option(default: float, text: str) -> Any:
    """Return a dataclass field with a default; ``text``: its ``--help``."""
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Hyperparameters of fine-tuning; the defaults are those of the shipped model."""

    seed: int = option(0, "seed of all random numbers")
    side: int = option(224, "pixels of a view's side")
    teacher_side: int = option(260, "pixels of a view's side for the teacher")
    teacher_passes: int = option(6, "views of each photo to fit the teacher's linear head to")
    teacher_batch: int = option(192, "views per step of the teacher's fine-tuning")
    teacher_steps: int = option(270, "steps of the teacher's fine-tuning")
    teacher_share: float = option(0.6, "share of fine-tuned weights in the teacher's average")
    batch: int = option(224, "garments per step of the whole network")
    tags: int = option(48, "tagged photos per step")
    pairs: int = option(48, "pairs of a garment worn and alone, every second step")
    steps: int = option(3359, "steps of the whole network")
    semantic_dim: int = option(256, "length of an embedding's search features")
    colour_dim: int = option(64, "length of an embedding's colours")
    colour_share: float = option(0.3, "share of colours in a similarity, of what classes leave")
    class_share: float = option(0.1, "share of the classes in a similarity")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add a command-line option for each field of :class:`Recipe`."""
    group = parser.add_argument_group("recipe", "the defaults are the recipe of the shipped model")
    for each in fields(Recipe):
        text = f"{each.metadata['help']} (default {each.default})"
        group.add_argument(flag(each), type=type(each.default), default=each.default, help=text)


def flag(each: Field[Any]) -> str:
    """Return the option of a field: ``--colour-dim`` for ``colour_dim``."""
    return f"--{each.name.replace('_', '-')}"


def recipe_of(args: argparse.Namespace) -> Recipe:
    """Return the recipe of parsed options."""
    return Recipe(**{each.name: getattr(args, each.name) for each in fields(Recipe)})
