"""A model package: a folder with ``model.json`` and the file that it describes."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..exceptions import ModelUnavailable
from .preprocess import InputSpec


@dataclass(frozen=True, kw_only=True)
class ModelPackage:
    """``model.json`` as values; see docs/model.md for each field."""

    id: str
    version: str
    file: Path
    sha256: str
    input: InputSpec
    outputs: dict[str, str]
    labels: list[str]
    embedding_dim: int
    match_threshold: float
    input_name: str = "image"
    scores: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def encoder_id(self) -> str:
        """Names these very weights: two packages never share it unless the file is the same."""
        return f"{self.id}-{self.version}-{self.sha256[:8]}"


def load_package(folder: Path) -> ModelPackage:
    """Read ``model.json``; raises ModelUnavailable when it is missing, malformed or incomplete."""
    path = folder / "model.json"
    try:
        described = json.loads(path.read_text("utf-8"))
        image = dict(described["input"])
        name = image.pop("name", "image")
        return ModelPackage(
            id=described["id"],
            version=described["version"],
            file=folder / described["file"],
            sha256=described["sha256"],
            input_name=name,
            input=InputSpec(**image),
            outputs=described["outputs"],
            labels=described["labels"],
            embedding_dim=described["embedding_dim"],
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


def read_model(package: ModelPackage) -> bytes:
    """The model file's bytes; raises ModelUnavailable unless their SHA-256 is the stated one."""
    try:
        data = package.file.read_bytes()
    except OSError as error:
        raise ModelUnavailable(reason=f"{package.file} cannot be read") from error
    if hashlib.sha256(data).hexdigest() != package.sha256:
        raise ModelUnavailable(
            reason=f"{package.file} is not the file that model.json describes (SHA-256 differs);"
            " restore it or export the model again"
        )
    return data


def copy_package(package: ModelPackage, folder: Path) -> None:
    """Copy a package into ``folder``, unless it is there; raises ModelUnavailable.

    The description comes last: a folder without one is no package.
    """
    described = folder / "model.json"
    if described.exists():
        return
    data = read_model(package)
    text = (package.file.parent / "model.json").read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in ((folder / package.file.name, data), (described, text)):
        part = path.with_name(f"{path.name}.part{os.getpid()}")
        part.write_bytes(content)
        part.replace(path)
