"""The encoders of this process: the configured one, and those that index versions name."""

from __future__ import annotations

import json
import logging
from functools import cache
from pathlib import Path
from typing import Any

from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from . import conf
from .encoders.base import Encoder
from .exceptions import ModelUnavailable
from .models import IndexVersion

logger = logging.getLogger(__name__)


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

    Which need not be the configured one: after a change of the settings the active version goes on
    with its own until one of the new encoder is active.
    """
    own = {"encoder_class": version.encoder_class, "encoder_options": version.encoder_options}
    if not version.encoder_class or own == recipe():
        encoder = configured()
    else:
        wanted = configured_or_none()
        if wanted is None or wanted.id != version.encoder:
            wanted = loaded(version.encoder_class, json.dumps(version.encoder_options))
        encoder = wanted
    if encoder.id != version.encoder:
        raise ModelUnavailable(
            reason=f"its files are those of {encoder.id}, and index version {version.pk} needs"
            f" {version.encoder}: put that model back, or run visualsearch_index"
        )
    return encoder


def configured_or_none() -> Encoder | None:
    """The configured encoder, if it can be loaded: a broken new model must not stop the old one."""
    try:
        return configured()
    except ModelUnavailable as error:
        logger.debug("the configured model is not usable, the active version's goes on: %s", error)
        return None


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
