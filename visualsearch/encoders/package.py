"""A model package: a folder with ``model.json`` and the files that it describes."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..exceptions import ModelUnavailable
from .known_answers import KnownAnswers
from .parts import Part, parts_from_json, whole
from .preprocess import InputSpec


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """A file of a package, and the SHA-256 of its bytes in hexadecimal."""

    path: Path
    sha256: str

    def read(self) -> bytes:
        """Return the file's bytes; raise ModelUnavailable unless their hash is :attr:`sha256`."""
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise ModelUnavailable(reason=f"{self.path} cannot be read") from error
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise ModelUnavailable(
                reason=f"{self.path} is not the file that model.json describes (SHA-256 differs);"
                " restore it or export the model again"
            )
        return data


@dataclass(frozen=True, kw_only=True)
class ModelPackage:
    """The contents of ``model.json``; docs/model.md describes each field."""

    id: str
    version: str
    model: ModelFile
    input: InputSpec
    outputs: dict[str, str]
    labels: list[str]
    embedding_dim: int
    match_threshold: float
    parts: tuple[Part, ...]
    parents: dict[str, str] = field(default_factory=dict)
    region: ModelFile | None = None
    objects: ModelFile | None = None
    known_answers: KnownAnswers | None = None
    input_name: str = "image"
    scores: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def encoder_id(self) -> str:
        """Id of exactly these weights: id, version and the start of the model file's hash."""
        return f"{self.id}-{self.version}-{self.model.sha256[:8]}"

    @property
    def files(self) -> list[ModelFile]:
        """The model file, then the files of the region and the object model, if there are any."""
        return [file for file in (self.model, self.region, self.objects) if file]

    def read(self) -> list[bytes]:
        """Return the bytes of :attr:`files`.

        Raises ModelUnavailable if a file is missing or its hash is wrong.
        """
        return [file.read() for file in self.files]


def load_package(folder: Path) -> ModelPackage:
    """Return the package in a folder, without reading its model files.

    Raises ModelUnavailable if ``model.json`` is missing, malformed or incomplete.
    """
    path = folder / "model.json"
    try:
        described = json.loads(path.read_text("utf-8"))
        image = dict(described["input"])
        name = image.pop("name", "image")
        return ModelPackage(
            id=described["id"],
            version=described["version"],
            model=ModelFile(path=folder / described["file"], sha256=described["sha256"]),
            parents=parents_of(described),
            region=region_of(folder, described),
            objects=objects_of(folder, described),
            known_answers=known_answers_of(described),
            input_name=name,
            input=InputSpec(**image),
            outputs=described["outputs"],
            labels=described["labels"],
            embedding_dim=described["embedding_dim"],
            parts=parts_of(described),
            match_threshold=described["match"]["threshold"],
            scores=described.get("scores", {}),
            provenance=described.get("provenance", {}),
        )
    except FileNotFoundError as error:
        raise ModelUnavailable(reason=f"{path} does not exist") from error
    except KeyError as error:
        raise ModelUnavailable(reason=f"{path} lacks the field {error}") from error
    except (ValueError, TypeError) as error:
        raise ModelUnavailable(reason=f"{path} is malformed ({error})") from error


def parents_of(described: dict[str, Any]) -> dict[str, str]:
    """Return the parent label of each finer class in a ``model.json``.

    Raises ValueError if a parent is not a label, or has a parent itself.
    """
    parents: dict[str, str] = dict(described.get("parents", {}))
    for name, parent in parents.items():
        if parent not in described["labels"] or parent in parents:
            raise ValueError(f"parents: {name} has {parent!r}, which is not a top-level label")
    return parents


def region_of(folder: Path, described: dict[str, Any]) -> ModelFile | None:
    """Return the file of the region model, which embeds crops; None if the package has none.

    Raises ValueError if it has one although the input's ``fit`` is not ``squash``.
    """
    region = described.get("region")
    if not region:
        return None
    if described["input"].get("fit", "squash") != "squash":
        raise ValueError(
            "a region needs the input fit squash, because its cells cover the whole photo"
        )
    return ModelFile(path=folder / region["file"], sha256=region["sha256"])


def objects_of(folder: Path, described: dict[str, Any]) -> ModelFile | None:
    """Return the file of the object model, which finds several things; None if there is none.

    Raises ValueError if there is no region model, whose cells it reads.
    """
    objects = described.get("objects")
    if not objects:
        return None
    if not described.get("region"):
        raise ValueError("objects need a region, because they are found in its cells")
    return ModelFile(path=folder / objects["file"], sha256=objects["sha256"])


def parts_of(described: dict[str, Any]) -> tuple[Part, ...]:
    """Return the parts of the embedding in a ``model.json``; without any, a single part.

    Raises ValueError if the parts do not make up the embedding.
    """
    dim = described["embedding_dim"]
    return parts_from_json(described["parts"], dim) if "parts" in described else whole(dim)


def known_answers_of(described: dict[str, Any]) -> KnownAnswers | None:
    """Return the known answers in a ``model.json``, None if it has none.

    Raises ValueError if they have another length than the embedding.
    """
    if "known_answers" not in described:
        return None
    known = KnownAnswers.from_json(described["known_answers"])
    if known.embeddings.shape[1] != described["embedding_dim"]:
        raise ValueError("the length of known_answers differs from embedding_dim")
    return known


def copy_package(package: ModelPackage, folder: Path) -> None:
    """Copy a package into ``folder``; do nothing if ``model.json`` is already there.

    ``model.json`` is written last, because a folder without it is no package. Raises
    ModelUnavailable if a file is missing or damaged.
    """
    described = folder / "model.json"
    if described.exists():
        return
    contents = [(folder / file.path.name, file.read()) for file in package.files]
    contents.append((described, (package.model.path.parent / "model.json").read_bytes()))
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in contents:
        part = path.with_name(f"{path.name}.part{os.getpid()}")
        part.write_bytes(content)
        part.replace(path)
