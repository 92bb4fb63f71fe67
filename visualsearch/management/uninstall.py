"""Find and delete what the app has stored: in index servers, Redis, files and the database."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connections, router
from django.db.migrations.executor import MigrationExecutor
from django.utils.module_loading import import_string
from redis.exceptions import RedisError

from visualsearch import conf
from visualsearch.exceptions import BackendUnavailable
from visualsearch.indexes.base import SharedIndex
from visualsearch.models import Embedding, IndexVersion
from visualsearch.models.primary import database
from visualsearch.redis_client import client
from visualsearch.serving.index_files import LOCK
from visualsearch.serving.live_index import drop_from_server, is_shared, server_name

APP = "visualsearch"
# Celery's queues, should its broker be the same Redis.
QUEUES = [
    f"{prefix}{APP}.{name}" for name in ("search", "index") for prefix in ("", "_kombu.binding.")
]
# Files in DATA_DIR besides index files and copies of models.
OTHER_FILES = ("runs.log", "doctor.tmp", LOCK)
DOES_NOT_ANSWER = "Start it, or pass --leave-servers to leave its data."


def tables() -> list[str]:
    """Return the names of the app's tables in the database."""
    existing = set(connections[database()].introspection.table_names())
    models = apps.get_app_config(APP).get_models(include_auto_created=True)
    return sorted({model._meta.db_table for model in models} & existing)


def versions() -> list[IndexVersion]:
    """Return the index versions of all catalogs; [] if their table is missing."""
    if IndexVersion._meta.db_table not in tables():
        return []
    # An earlier release's table may lack other columns.
    rows = IndexVersion.everywhere.only("pk", "backend", "options", "file", "encoder")
    return list(rows.order_by("pk"))


def in_servers(found: Iterable[IndexVersion]) -> list[IndexVersion]:
    """Return the versions that an index server has data of.

    Raises CommandError if a server does not answer.
    """
    there = []
    for version in found:
        try:
            if is_shared(version):
                kind: type[SharedIndex] = import_string(version.backend)
                if kind(1, name=server_name(version), **version.options).exists():
                    there.append(version)
        except (BackendUnavailable, ImportError) as error:
            name = f"The server of index version {version.pk}, {version.backend},"
            raise CommandError(f"{name} does not answer. {DOES_NOT_ANSWER}") from error
    return there


def redis_keys() -> list[str]:
    """Return the app's keys in Redis; [] without ``REDIS_URL``.

    Raises CommandError if Redis does not answer.
    """
    if not conf.get("REDIS_URL"):
        return []
    try:
        own = sorted(key.decode() for key in client().scan_iter(f"{APP}:*"))
        return own + [name for name in QUEUES if client().exists(name)]
    except RedisError as error:
        raise CommandError(f"Redis does not answer. {DOES_NOT_ANSWER}") from error


def files(found: Iterable[IndexVersion]) -> list[Path]:
    """Return the app's files and folders in ``DATA_DIR``, which may have others.

    ``found``: the index versions, which name their files and models.
    """
    folder = Path(conf.get("DATA_DIR"))
    encoders = {version.encoder for version in found}
    if Embedding._meta.db_table in tables():
        encoders |= set(Embedding.everywhere.values_list("encoder", flat=True).distinct())
    named = {version.file for version in found} | set(OTHER_FILES)
    names = "|".join(map(re.escape, encoders))
    index = re.compile(rf"({names})-\d+(\.\d+\.[0-9a-f]{{64}})?\.(index|part\d+)")
    own = [path for path in folder.glob("*") if path.name in named or index.fullmatch(path.name)]
    copies = [folder / "models" / encoder for encoder in encoders]
    return sorted(own) + sorted(copy for copy in copies if copy.is_dir())


def dependent_migrations() -> list[str]:
    """Return the applied migrations of other apps that would be unapplied with the app's own."""
    plan = MigrationExecutor(connections[database()]).migration_plan([(APP, None)])
    return [str(migration) for migration, _backwards in plan if migration.app_label != APP]


def delete_from_servers(found: Iterable[IndexVersion]) -> None:
    for version in found:
        drop_from_server(version)


def delete_keys(keys: list[str]) -> None:
    if keys:
        client().delete(*keys)


def delete_files(paths: Iterable[Path]) -> list[Path]:
    """Delete files and folders; return what is left in ``DATA_DIR``, which goes if it is empty."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    folder = Path(conf.get("DATA_DIR"))
    for each in (folder / "models", folder):
        with suppress(OSError):  # it is not empty, or missing
            each.rmdir()
    return sorted(folder.glob("*"))


def delete_from_database(verbosity: int) -> None:
    """Unapply the migrations; delete admin log entries, permissions and content types."""
    call_command("migrate", APP, "zero", database=database(), verbosity=verbosity)
    if not apps.is_installed("django.contrib.contenttypes"):
        return
    types = apps.get_model("contenttypes", "ContentType")
    own = types._base_manager.using(router.db_for_write(types)).filter(app_label=APP)
    if apps.is_installed("django.contrib.admin"):
        entries = apps.get_model("admin", "LogEntry")
        of_app = {"content_type__in": list(own.values_list("pk", flat=True))}
        entries._base_manager.using(router.db_for_write(entries)).filter(**of_app).delete()
    own.delete()  # with their permissions
