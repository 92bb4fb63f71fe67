"""The encoders of this process: the configured one, and those of index versions."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from .. import conf
from ..encoders.base import Encoder
from ..exceptions import ModelUnavailable
from ..models import IndexVersion


def configured_encoder() -> Encoder:
    """Return the encoder in the settings, which new index versions are built with.

    Raises ModelUnavailable if it cannot be loaded.
    """
    encoder: Encoder = conf.load("ENCODER")
    return encoder


def active_encoder() -> Encoder:
    """Return the active version's encoder, or the configured one if no version is active.

    Raises ModelUnavailable if it cannot be loaded.
    """
    active = IndexVersion.objects.filter(state=IndexVersion.State.ACTIVE).first()
    return encoder_of(active) if active else configured_encoder()


def encoder_recipe() -> dict[str, Any]:
    """Return a dict that says how to load the configured encoder.

    Its keys ``encoder_class`` (dotted path) and ``encoder_options`` are fields of IndexVersion.
    Raises TypeError if an option is not a JSON value or a path.
    """
    options = json.dumps(conf.get("ENCODER_OPTIONS"), default=path_as_text)
    return {"encoder_class": conf.get("ENCODER"), "encoder_options": json.loads(options)}


def path_as_text(value: object) -> str:
    """Serialise a Path as text; raise TypeError for any other value."""
    if isinstance(value, Path):
        return str(value.absolute())
    raise TypeError(
        f"VISUALSEARCH[“ENCODER_OPTIONS”] contains {value!r}, which is not a JSON value"
    )


def encoder_of(version: IndexVersion) -> Encoder:
    """Return the encoder that a version's vectors were made with.

    After a change of the settings or of the model's files, the active version keeps its own encoder
    until a version of the new encoder is active. Raises ModelUnavailable if that encoder cannot be
    loaded from the settings, from the version's stored options, or from the copy of its files.
    """
    reasons = []
    for load in (
        configured_encoder,
        lambda: recorded_encoder(version),
        lambda: kept_encoder(version),
    ):
        try:
            encoder = load()
        except ModelUnavailable as error:
            reasons.append(str(error.params["reason"]))
            continue
        if encoder.id == version.encoder:
            return encoder
        reasons.append(f"{encoder.id} is a different model")
    raise ModelUnavailable(
        reason=f"index version {version.pk} needs {version.encoder} ({'; '.join(reasons)}):"
        " restore that model, or run manage.py visualsearch_index"
    )


def recorded_encoder(version: IndexVersion) -> Encoder:
    """Load the encoder by the class and options stored in the version."""
    if not version.encoder_class:
        return configured_encoder()
    return load_encoder(version.encoder_class, json.dumps(version.encoder_options))


def kept_encoder(version: IndexVersion) -> Encoder:
    """Load the version's encoder from the copy of its files that :func:`copy_folder` names.

    Raises ModelUnavailable if there is no copy or it cannot be loaded.
    """
    options = version.encoder_options | {"package": str(copy_folder(version.encoder))}
    if not copy_folder(version.encoder).is_dir():
        raise ModelUnavailable(reason=f"{copy_folder(version.encoder)} does not exist")
    return load_encoder(version.encoder_class, json.dumps(options))


def copy_folder(encoder_id: str) -> Path:
    """Return the folder for the copy of an encoder's files; it may not exist."""
    return Path(conf.get("DATA_DIR")) / "models" / encoder_id


@cache
def load_encoder(dotted_path: str, options: str) -> Encoder:
    """Return a cached encoder by its class and its options (JSON).

    Raises ModelUnavailable if the class cannot be imported or is not an encoder.
    """
    try:
        kind = import_string(dotted_path)
    except ImportError as error:
        raise ModelUnavailable(reason=str(error)) from error
    if not (isinstance(kind, type) and issubclass(kind, Encoder)):
        raise ModelUnavailable(reason=f"{dotted_path} is not an encoder")
    return kind(**json.loads(options))


def drop_encoders(*, setting: str, **kwargs: object) -> None:
    """Drop the cached encoders when a test overrides the settings."""
    if setting == "VISUALSEARCH":
        load_encoder.cache_clear()


setting_changed.connect(drop_encoders)
