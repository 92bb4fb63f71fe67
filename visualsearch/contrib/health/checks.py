"""Checks of what a process needs before it can search."""

from __future__ import annotations

import dataclasses
import logging
from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

import redis
from django.db import Error, connection
from health_check.base import HealthCheck
from health_check.exceptions import ServiceUnavailable

from ... import conf, redis_client
from ...catalogs import catalog_names, using_catalog
from ...encoders.package import load_package
from ...exceptions import ModelUnavailable
from ...search_queue import heartbeat
from ...serving import version_encoders
from ...versions import lifecycle
from ..probes import Hanging, within

logger = logging.getLogger(__name__)

# Timeout of each check in seconds; all run at the same time.
PATIENCE = 1.2


@dataclasses.dataclass
class Check(HealthCheck):
    """A check with a timeout; the reason of a failure is logged, but not part of the response."""

    reason: ClassVar[str] = "not available"

    def run(self) -> None:
        """Raise ServiceUnavailable if the check fails or does not end in time."""
        try:
            holds = within(PATIENCE, self.holds)
        except (Error, redis.RedisError, ModelUnavailable, Hanging) as error:
            raise self.failure(error) from error
        if not holds:
            raise self.failure(self.reason)

    def failure(self, reason: object) -> ServiceUnavailable:
        """Log the reason of a failure; return an error without it, to be raised."""
        logger.warning("The readiness check “%s” failed: %s", type(self).__name__.lower(), reason)
        return ServiceUnavailable("failed")

    @abstractmethod
    def holds(self) -> bool:
        """Return whether the check passes."""


class Database(Check):
    """Checks that the database answers."""

    def holds(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone())


class Index(Check):
    """Checks that each catalog has an active version whose model can be loaded."""

    reason = "no index version is active; run manage.py visualsearch_index"

    def holds(self) -> bool:
        for name in catalog_names():
            with using_catalog(name):
                if not self.can_search():
                    return False
        return True

    def can_search(self) -> bool:
        """Return whether the current catalog has an active version whose model can be loaded."""
        version = lifecycle.active_version()
        if version is None:
            return False
        if not conf.get("USE_CELERY"):
            version_encoders.encoder_of(version)
        elif package := version.encoder_options.get("package"):
            # This process loads no model: if the model's description can be read, the model is
            # there.
            folders = [Path(package), version_encoders.copy_folder(version.encoder)]
            load_package(next((each for each in folders if each.is_dir()), folders[-1]))
        return True


class Redis(Check):
    """Checks that Redis answers, through which web processes reach the workers."""

    def holds(self) -> bool:
        return not conf.get("USE_CELERY") or bool(redis_client.client().ping())


class Workers(Check):
    """Checks that a search worker sends heartbeats."""

    reason = "no search worker sends heartbeats; start manage.py visualsearch_worker"

    def holds(self) -> bool:
        return not conf.get("USE_CELERY") or bool(
            redis_client.client().exists(heartbeat.alive_key())
        )
