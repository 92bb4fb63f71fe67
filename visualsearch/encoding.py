"""The encoders of this process: the configured one, and those that index versions name."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from . import conf
from .encoders.base import Encoder
from .exceptions import ModelUnavailable
from .models import IndexVersion


def configured() -> Encoder:
    """The encoder of the settings: new index versions are built with it."""
    encoder: Encoder = conf.load("ENCODER")
    return encoder


def answering() -> Encoder:
    """The active version's encoder; the configured one before there is a version."""
    active = IndexVersion.objects.filter(state=IndexVersion.State.ACTIVE).first()
    return of(active) if active else configured()


def recipe() -> dict[str, Any]:
    """How the configured encoder is loaded, as a version keeps it."""
    options = json.dumps(conf.get("ENCODER_OPTIONS"), default=as_text)
    return {"encoder_class": conf.get("ENCODER"), "encoder_options": json.loads(options)}


def as_text(value: object) -> str:
    """The one kind of option that JSON has not: a path."""
    if isinstance(value, Path):
        return str(value.absolute())
    raise TypeError(f"VISUALSEARCH[“ENCODER_OPTIONS”] holds {value!r}, which is not a plain value")


def of(version: IndexVersion) -> Encoder:
    """The encoder that a version's vectors are of; raises ModelUnavailable.

    Which need not be the configured one: after a change of the settings, or of the model's files
    where they lie, the active version goes on with its own until one of the new encoder is active.
    """
    reasons = []
    for load in (configured, lambda: recorded(version), lambda: kept(version)):
        try:
            encoder = load()
        except ModelUnavailable as error:
            reasons.append(str(error.params["reason"]))
            continue
        if encoder.id == version.encoder:
            return encoder
        reasons.append(f"{encoder.id} is another model")
    raise ModelUnavailable(
        reason=f"index version {version.pk} needs {version.encoder} ({'; '.join(reasons)}):"
        " put that model back, or run visualsearch_index"
    )


def recorded(version: IndexVersion) -> Encoder:
    """The encoder as the settings had it when a version was made."""
    if not version.encoder_class:
        return configured()
    return loaded(version.encoder_class, json.dumps(version.encoder_options))


def kept(version: IndexVersion) -> Encoder:
    """The encoder from the copy of its files that was kept when a version was made."""
    options = version.encoder_options | {"package": str(copy_of(version.encoder))}
    if not copy_of(version.encoder).is_dir():
        raise ModelUnavailable(reason=f"{copy_of(version.encoder)} does not exist")
    return loaded(version.encoder_class, json.dumps(options))


def copy_of(encoder_id: str) -> Path:
    """Where the files of an encoder are kept, beside the index files."""
    return Path(conf.get("DATA_DIR")) / "models" / encoder_id


@cache
def loaded(dotted_path: str, options: str) -> Encoder:
    """One instance per process."""
    try:
        kind = import_string(dotted_path)
    except ImportError as error:
        raise ModelUnavailable(reason=str(error)) from error
    if not (isinstance(kind, type) and issubclass(kind, Encoder)):
        raise ModelUnavailable(reason=f"{dotted_path} is not an encoder")
    return kind(**json.loads(options))


def reset(*, setting: str, **kwargs: object) -> None:
    """Forget the instances when a test overrides the settings."""
    if setting == "VISUALSEARCH":
        loaded.cache_clear()


setting_changed.connect(reset)
