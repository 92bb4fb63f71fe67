"""Hyperparameters of fine-tuning a whole network, and their command-line options."""

from __future__ import annotations

import argparse
from dataclasses import Field, dataclass, field, fields
from typing import Any


def option(default: float, text: str) -> Any:
    """Return a field with a default and the text of its ``--help``."""
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Hyperparameters; the defaults are those of the shipped model."""

    seed: int = option(0, "of all random numbers")
    side: int = option(224, "pixels of a view")
    teacher_side: int = option(260, "pixels that the teacher sees")
    teacher_passes: int = option(6, "views of each photo that its linear head is fitted to")
    teacher_batch: int = option(192, "views a step of its fine-tuning")
    teacher_steps: int = option(270, "steps of its fine-tuning")
    teacher_share: float = option(0.6, "share of its fine-tuned weights, against the linear head's")
    batch: int = option(224, "garments a step of the whole network")
    tags: int = option(48, "tagged photos a step")
    pairs: int = option(48, "garments worn and alone, every second step")
    steps: int = option(3359, "steps of the whole network")
    semantic_dim: int = option(256, "numbers of an embedding for features")
    colour_dim: int = option(64, "numbers of an embedding for colours")
    colour_share: float = option(0.3, "share of colours in a similarity, next to features")
    class_share: float = option(0.1, "share of the classes in a similarity")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add an option for each number of the recipe."""
    group = parser.add_argument_group("recipe", "the defaults are the recipe of the shipped model")
    for each in fields(Recipe):
        text = f"{each.metadata['help']} (default {each.default})"
        group.add_argument(flag(each), type=type(each.default), default=each.default, help=text)


def flag(each: Field[Any]) -> str:
    """Return the name of a field's option."""
    return f"--{each.name.replace('_', '-')}"


def recipe_of(args: argparse.Namespace) -> Recipe:
    """Return the recipe that a command line asks for."""
    return Recipe(**{each.name: getattr(args, each.name) for each in fields(Recipe)})
