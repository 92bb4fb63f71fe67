"""Index versions: built beside the active one, activated atomically, and rolled back to."""

from __future__ import annotations

import logging
import shutil
import time
from typing import Any

from django.db import IntegrityError
from django.db.models import Manager
from django.utils import timezone
from django.utils.translation import gettext as _

from .. import conf
from ..encoders.base import Encoder
from ..exceptions import BackendUnavailable, ModelUnavailable
from ..indexes import catalog_fit
from ..indexes.base import FileIndex
from ..models import Embedding, Experiment, IndexVersion
from ..models.primary import atomic
from ..serving import index_files, live_index, replay, version_encoders
from ..signals import version_activated
from . import transforms

logger = logging.getLogger(__name__)
State = IndexVersion.State
KEPT = (State.ACTIVE, State.BUILDING, State.READY, State.RETIRED)


class NotUsable(Exception):
    """Raised if a version cannot be activated; the message says why and what to do."""


def active_version() -> IndexVersion | None:
    """Return the version that searches use, None if there is none yet."""
    return IndexVersion.objects.filter(state=State.ACTIVE).first()


def encoders_to_keep_current() -> list[Encoder]:
    """Return the distinct encoders of all versions that have not failed, the active one's first.

    Changed images are encoded with each of them, so that a rollback loses nothing. Without a
    version, returns the configured encoder. An encoder whose model cannot be loaded is left out;
    raises ModelUnavailable if it is the active version's.
    """
    found: dict[str, Encoder] = {}
    kept = IndexVersion.objects.filter(state__in=KEPT)
    for version in sorted(kept, key=lambda version: KEPT.index(State(version.state))):
        if version.encoder not in found:
            try:
                found[version.encoder] = version_encoders.encoder_of(version)
            except ModelUnavailable as error:
                if version.state == State.ACTIVE:
                    raise
                logger.warning(
                    "Index version %s gets no catalog changes, because its model is missing: %s",
                    version.pk,
                    error,
                )
    return list(found.values()) or [version_encoders.configured_encoder()]


def create_version(state: State = State.BUILDING) -> IndexVersion:
    """Create and return an empty version of the encoder and index named in the settings.

    The encoder's files are copied, because an upgrade may replace the originals while searches
    still need the old model. Raises ModelUnavailable if the encoder or its files cannot be loaded.
    """
    encoder = version_encoders.configured_encoder()
    encoder.keep(version_encoders.copy_folder(encoder.id))
    return IndexVersion.objects.create(
        encoder=encoder.id,
        **version_encoders.encoder_recipe(),
        backend=conf.get("INDEX"),
        options=conf.get("INDEX_OPTIONS"),
        state=state,
        activated=timezone.now() if state == State.ACTIVE else None,
    )


def ensure_active(encoder: Encoder) -> None:
    """Create an empty active version if there is none, so products are searchable once indexed.

    ``encoder``: the one that products are being indexed with. Does nothing if ``encoder`` is not
    the one in the settings.
    """
    if active_version() is not None or encoder.id != version_encoders.configured_encoder().id:
        return
    try:
        with atomic():
            create_version(State.ACTIVE)
    except IntegrityError:
        logger.debug("Another process has created the first index version.")


def is_outdated(version: IndexVersion) -> bool:
    """Return whether the settings name another encoder, index or index options than the version's.

    Raises ModelUnavailable if the configured encoder cannot be loaded.
    """
    wanted = (
        version_encoders.configured_encoder().id,
        conf.get("INDEX"),
        conf.get("INDEX_OPTIONS"),
    )
    return (version.encoder, version.backend, version.options) != wanted


def reason_not_to_fit() -> str:
    """Return why no transform can be fitted to the catalog now, as text for staff; "" if it can."""
    version = active_version()
    if not conf.get("FIT"):
        return _("The setting FIT is off.")
    if version is None:
        return _("The catalog is not indexed yet; run manage.py visualsearch_index.")
    try:
        outdated = is_outdated(version)
    except ModelUnavailable as error:
        return str(error)
    if outdated:
        return _(
            "The settings name another model or index than the active version uses; run"
            " manage.py visualsearch_index."
        )
    rows = Embedding.objects.filter(encoder=version.encoder).searchable()
    if rows[: catalog_fit.LEAST].count() < catalog_fit.LEAST:
        return _("Fitting needs a catalog of at least %(least)s images.") % {
            "least": catalog_fit.LEAST
        }
    return ""


def build(version: IndexVersion, *, by_labels: bool = False) -> None:
    """Fill a version's index with the stored embeddings and set the version's state to READY.

    The transform of its vectors is learned from the catalog first. Embeddings stored meanwhile are
    added when a process loads the index. An error sets the state to FAILED, is stored in the
    version, and is raised. ``by_labels``: see :func:`visualsearch.versions.transforms.fit_version`.
    """
    started = time.monotonic()
    try:
        version.fit = transforms.fit_version(version, by_labels=by_labels)
        built = replay.build_from_rows(version)
        built.index.optimise()
        figures: dict[str, Any] = built.index.describe()
        if isinstance(built.index, FileIndex):
            version.file = f"{version.encoder}-{version.pk}.index"
            version.sha256 = index_files.write(built.index, version.file)
            figures["file_bytes"] = index_files.size(version)
        version.revision = built.revision
        version.images, version.items = len(built.index), built.items
        figures["build_seconds"] = round(time.monotonic() - started, 2)
        version.figures, version.state = figures, State.READY
    except Exception as error:
        version.state, version.error = State.FAILED, str(error)[:300]
        raise
    finally:
        version.save()


def activate(version: IndexVersion) -> None:
    """Make ``version`` the active one; search processes load it when they next search.

    A running experiment ends, because its control version is no longer active. Raises NotUsable if
    the version is neither ready nor retired, or if its model cannot be loaded.
    """
    try:
        version_encoders.encoder_of(version)
    except ModelUnavailable as error:
        raise NotUsable(str(error)) from error
    with atomic():
        versions = {one.pk: one for one in IndexVersion.objects.select_for_update()}
        current = versions.get(version.pk)
        if current is None or not current.can_be_activated:
            raise NotUsable(
                _("Version %(version)s cannot be activated: it is %(state)s.")
                % {
                    "version": version.pk,
                    "state": current.get_state_display() if current else _("deleted"),
                }
            )
        before = [one for one in versions.values() if one.state == State.ACTIVE]
        IndexVersion.objects.filter(state=State.ACTIVE).update(state=State.RETIRED)
        version.state, version.activated = State.ACTIVE, timezone.now()
        version.save(update_fields=["state", "activated"])
        end_experiment(version)
    for one in before:
        if not one.figures:  # never built: a placeholder from ensure_active()
            delete_version(one)
    version_activated.send_robust(sender=None, version=version)


def end_experiment(version: IndexVersion) -> None:
    """Stop the running experiment, if any, at the time at which ``version`` was activated."""
    running = Experiment.objects.filter(running=True)
    if running.update(running=None, stopped=version.activated):
        logger.warning("The experiment ended, because index version %s was activated.", version.pk)


def previous_version() -> IndexVersion | None:
    """Return the version that was active before the current one, None if it was deleted."""
    return IndexVersion.objects.filter(state=State.RETIRED).order_by("-activated").first()


def roll_back() -> IndexVersion:
    """Activate and return the version that was active before.

    Raises NotUsable if that version was deleted, or if its model cannot be loaded.
    """
    version = previous_version()
    if version is None:
        raise NotUsable(
            _(
                "There is no earlier version to roll back to. Increase the setting"
                " KEPT_VERSIONS to keep more versions."
            )
        )
    activate(version)
    return version


def delete_old_versions() -> None:
    """Delete old versions, and embeddings and model copies that no remaining version needs.

    Of each of the states retired, ready and failed, the newest ``KEPT_VERSIONS`` stay. The version
    that a running experiment tests always stays, and so does the newest ready version with the
    active version's encoder, so that a person can compare it and no run builds it again.
    """
    kept = conf.get("KEPT_VERSIONS")
    tried = Experiment.objects.filter(running=True)
    answering = IndexVersion.objects.filter(state=State.ACTIVE).values("encoder")
    held_back = IndexVersion.objects.filter(state=State.READY, encoder__in=answering).first()
    for state, order in (
        (State.RETIRED, "-activated"),
        (State.READY, "-pk"),
        (State.FAILED, "-pk"),
    ):
        for version in IndexVersion.objects.filter(state=state).order_by(order)[kept:]:
            if version != held_back and not tried.filter(version=version).exists():
                delete_version(version)
    configured = version_encoders.configured_encoder().id
    Embedding.objects.exclude(encoder__in={configured, *encoders_of(IndexVersion.objects)}).delete()
    needed = {configured, *encoders_of(IndexVersion.everywhere)}
    for copy in version_encoders.copy_folder("any").parent.glob("*"):
        if copy.name not in needed:
            shutil.rmtree(copy, ignore_errors=True)


def encoders_of(versions: Manager[Any]) -> set[str]:
    """Return the ids of the encoders of versions that are kept."""
    return set(versions.filter(state__in=KEPT).values_list("encoder", flat=True))


def delete_version(version: IndexVersion) -> None:
    """Delete a version, its index file, and its data in a server.

    If the server does not answer, a warning is logged and the data stays in the server.
    """
    try:
        live_index.drop_from_server(version)
    except BackendUnavailable:
        logger.warning(
            "Index version %s is deleted, but its data stays in its server, which does not respond."
            " Delete the data there.",
            version.pk,
        )
    index_files.delete(version)
    version.delete()
