"""The stages of fine-tuning: drawn people, teacher, whole network."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ..drawing.worn_sets import LIST, make_worn, read_worn
from ..exceptions import Refused
from ..networks.initial_weights import load_backbone
from ..networks.lite_teacher import LiteTeacher
from ..networks.mobilenet import Backbone
from ..networks.shopnet import ShopNet
from ..photos.garments import Garments, load_garments, load_tagged, sampling_weights
from ..photos.label_sets import LEAVES, PARENTS
from ..photos.photo_sets import PhotoSet
from ..photos.sources import Example, Kind, Sources, read_sources
from .held_out import judge
from .initial_network import fit_projections
from .joint_losses import WholeNetwork, WholeObjective
from .recipe import Recipe, recipe_of
from .steps import Steps
from .teacher_training import TeacherTraining

# Margin of a crop around a garment, as a share of it, to make room for views.
MARGIN = 0.6
# Sampling weights of street garments and of drawn people, relative to garments alone.
FREQUENCIES = {"street": 2.5, "worn": 0.6}


class FineTuning:
    """Fine-tuning of a whole network in stages; each stage writes its file atomically.

    ``args``: options of the command ``fine_tune``.
    """

    def __init__(self, args: argparse.Namespace):
        self.args, self.out = args, args.out
        self.recipe: Recipe = recipe_of(args)
        self.how: dict[str, Any] = {"device": args.device, "bf16": args.bf16}
        self.backbone: Backbone = load_backbone(args.weights)

    @cached_property
    def examples(self) -> list[Example]:
        """All labelled examples, including drawn people, which are drawn if missing."""
        args = self.args
        found = read_sources(
            Sources(
                data=args.data,
                more=args.more,
                boxes=args.boxes,
                tagged=args.tagged,
                hold_out=args.hold_out,
            )
        )
        check_count(found, self.recipe)
        folder = self.out / "worn"
        if not (folder / LIST).exists():
            make_worn(found, folder, self.recipe.seed, args.workers)
        return found + read_worn(folder)

    @cached_property
    def garments(self) -> Garments:
        """The garments as tensors, each cropped with a margin for random views."""
        return load_garments(self.examples, MARGIN, self.args.device)

    @cached_property
    def frequencies(self) -> Tensor:
        """The sampling weight of each garment (N,)."""
        return sampling_weights(self.garments, **FREQUENCIES)

    def stage(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the contents of a stage's file; write what ``make()`` returns if it is missing."""
        path = self.out / name
        if not path.exists():
            part = path.with_suffix(".part")
            torch.save(make(), part)
            part.replace(path)
        return torch.load(path, map_location="cpu")

    def report(
        self,
        name: str,
        classify: Callable[[Tensor], Tensor],
        garments: Garments,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Print and return a network's accuracy and confident mistakes on held-out garments.

        ``classify`` maps images (N, 3, s, s) in [-1, 1] to logits (N, 15). ``losses``: the last
        ones, to print.
        """
        found = judge(classify, garments, self.recipe.side)
        print(json.dumps({"stage": name, "losses": losses or {}} | found), flush=True)
        return found

    @cached_property
    def teacher(self) -> LiteTeacher:
        """The trained, frozen teacher, which is trained if its file is missing."""
        teacher = LiteTeacher(self.recipe.teacher_side)
        teacher.load_state_dict(self.stage("teacher.pt", self.fine_tune_teacher))
        fast = {"device": self.args.device, "memory_format": torch.channels_last}
        return teacher.to(**fast).requires_grad_(False)

    def training_of(self, teacher: LiteTeacher) -> TeacherTraining:
        """Prepare the training of ``teacher`` on the labelled garments."""
        return TeacherTraining(teacher, self.garments, self.frequencies, self.recipe, **self.how)

    def fit_teacher_head(self) -> dict[str, Any]:
        """Fit a linear head to the pretrained teacher; return its state dict."""
        teacher = LiteTeacher.pretrained(self.recipe.teacher_side)
        self.training_of(teacher).fit_head()
        self.report("teacher's head", lambda x: teacher(x)[0], self.garments)
        return teacher.state_dict()

    def fine_tune_teacher(self) -> dict[str, Any]:
        """Fine-tune the whole teacher, starting with its fitted head; return its state dict."""
        teacher = LiteTeacher(self.recipe.teacher_side)
        teacher.load_state_dict(self.stage("teacher-head.pt", self.fit_teacher_head))
        found = self.training_of(teacher).fine_tune(self.out / "teacher-checkpoint.pt")
        self.report("teacher", lambda x: teacher(x)[0], self.garments, found)
        return teacher.state_dict()

    def new_model(self) -> ShopNet:
        """Return a network with pretrained weights, not yet fine-tuned."""
        recipe = self.recipe
        model = ShopNet(
            len(LEAVES),
            recipe.semantic_dim,
            recipe.colour_dim,
            recipe.colour_share,
            self.backbone.trunk.convention,
            class_share=recipe.class_share,
        )
        model.start_from(self.backbone)
        return model

    def train_student(self) -> dict[str, Any]:
        """Train the whole network with the teacher; return its state dict."""
        fast = {"device": self.args.device, "memory_format": torch.channels_last}
        teacher = self.teacher
        # Seed after the teacher, because training it draws more random numbers than loading it.
        torch.manual_seed(self.recipe.seed)
        network = WholeNetwork(self.new_model(), teacher.features).to(**fast)
        backbone = load_backbone(self.args.weights).to(**fast).requires_grad_(False)
        objective = WholeObjective(
            network,
            backbone,
            teacher,
            self.garments,
            load_tagged(self.examples, self.args.device),
            self.frequencies,
            self.recipe,
            **self.how,
        )
        steps = Steps(
            module=network,
            groups=network.groups,
            weight_decay=0.02,
            longest=0.998,
            steps=self.recipe.steps,
            checkpoint=self.out / "checkpoint.pt",
        )
        found = steps.fit(objective.losses, "whole network")
        self.report("student", network.model.classify, self.garments, found)
        return network.model.state_dict()

    def finish(self) -> dict[str, Any]:
        """Train the network if needed, fit its projections, and return the run's ``model.pt``."""
        model = self.new_model()
        model.load_state_dict(self.stage("student.pt", self.train_student))
        model.to(self.args.device, memory_format=torch.channels_last)
        held_out = judge(model.classify, self.garments, self.recipe.side)
        model.to("cpu").requires_grad_(False)
        fit_projections(model, self.floors(self.garments), self.recipe.seed, bf16=self.args.bf16)
        return {
            "weights": model.state_dict(),
            "config": model.config,
            "classes": list(LEAVES),
            "parents": PARENTS,
            "recipe": {**asdict(self.recipe), **self.named_sources()},
            "epoch": self.recipe.steps,
            "validation": held_out,
        }

    def floors(self, garments: Garments) -> PhotoSet:
        """Return the labelled photos of garments alone, to fit projections to."""
        rows = garments.labelled
        rows = rows[garments.kinds[rows] == Kind.FLOOR]
        return PhotoSet(
            pixels=garments.pixels[rows].cpu(),
            labels=garments.allowed[rows].argmax(1).cpu(),
            classes=list(LEAVES),
        )

    def named_sources(self) -> dict[str, Any]:
        """Return the names of the data sets and weights, to be stored with the network."""
        names = ("data", "more", "boxes", "tagged", "weights")
        given = {name: getattr(self.args, name) for name in names}
        found = {name: path and path.name for name, path in given.items()}
        return {**found, "hold_out": self.args.hold_out, "bf16": self.args.bf16}


def check_count(examples: Sequence[Example], recipe: Recipe) -> None:
    """Raise Refused if there are too few labelled photos of garments alone to fit projections."""
    count = sum(each.kind is Kind.FLOOR and bool(each.allowed) for each in examples)
    least = -(-max(recipe.semantic_dim, recipe.colour_dim) // 2)
    if count < least:
        raise Refused(
            f"{count} labelled photos in --data and --more are too few: an embedding needs {least};"
            " add photos, or give smaller --semantic-dim and --colour-dim"
        )
