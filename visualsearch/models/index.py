"""Models of the index. Rows are the source of truth; index files are copies of them."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from numpy.typing import NDArray

from .. import conf
from ..photos.decode import RULES
from .chunks import RunChunk
from .primary import (
    MAX_KEY,
    MAX_NAME,
    CatalogManager,
    CatalogModel,
    PrimaryModel,
    end_hanging_transaction,
)
from .process_names import process_has_ended


class Revision(PrimaryModel):
    """A counter of changes to embeddings, in a single row.

    Taking a revision number locks the row until the transaction ends, so revisions become visible
    in order. A process that has applied all changes up to a revision has missed none before it.
    """

    value = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.value)

    @classmethod
    def hold(cls) -> None:
        """Lock the counter, so that no other transaction takes a revision until this one ends.

        PostgreSQL ends the transaction of a process that hangs in it for ``RUN_TIMEOUT`` seconds.
        """
        end_hanging_transaction(conf.get("RUN_TIMEOUT"))
        if not cls.objects.select_for_update().filter(pk=1).first():
            cls.objects.get_or_create(pk=1)
            cls.objects.select_for_update().get(pk=1)

    @classmethod
    def take(cls) -> int:
        """Return the next revision number; call it after :meth:`hold`, in the same transaction."""
        cls.objects.filter(pk=1).update(value=F("value") + 1)
        return cls.current()

    @classmethod
    def current(cls) -> int:
        """Return the highest revision number visible to this transaction; 0 if there is none."""
        return cls.objects.filter(pk=1).values_list("value", flat=True).first() or 0


class EmbeddingQuerySet(models.QuerySet["Embedding"]):
    def outdated(self) -> EmbeddingQuerySet:
        """Return the rows whose files were decoded by other rules than today's."""
        return self.filter(removed=False, error="").exclude(rules=RULES)

    def searchable(self) -> EmbeddingQuerySet:
        """Return the rows that belong in an index.

        These are on sale, encoded without an error, and no placeholder (see
        :class:`~visualsearch.models.pictures.RepeatedPicture`).
        """
        return self.filter(removed=False, error="", left_out=False)


class Embedding(CatalogModel):
    """One image of one item, embedded by one encoder.

    Rows of a hidden or deleted item stay, marked as removed. Search processes learn from them what
    to remove, and an item that comes back need not be encoded again.
    """

    item = models.CharField(_("item"), max_length=MAX_KEY, db_index=True)
    image = models.CharField(_("image"), max_length=MAX_NAME)
    encoder = models.CharField(_("encoder"), max_length=120)
    content_hash = models.CharField(_("content hash"), max_length=64, blank=True)
    rules = models.PositiveSmallIntegerField(
        _("rules"), default=1, help_text=_("Version of the rules by which the file was decoded.")
    )
    vector = models.BinaryField(_("vector"), help_text=_("float16, little endian"))
    removed = models.BooleanField(_("removed"), default=False)
    error = models.CharField(_("error"), max_length=300, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=1)
    retry_at = models.DateTimeField(
        _("next attempt"),
        null=True,
        blank=True,
        help_text=_("When a file that could not be read is retried automatically."),
    )
    # Processes of the release before write rows, too, hence defaults of the database.
    left_out = models.BooleanField(
        _("left out"),
        default=False,
        db_default=False,
        help_text=_("Whether the picture is a placeholder, which searches do not find."),
    )
    traits = models.JSONField(
        _("traits"), null=True, blank=True, help_text=_("Size, contrast, class and colour.")
    )
    revision = models.PositiveBigIntegerField(_("revision"))
    updated = models.DateTimeField(_("updated"), auto_now=True)
    checked = models.DateTimeField(
        _("last read"), default=timezone.now, help_text=_("When the file was last read and hashed.")
    )

    objects = CatalogManager.from_queryset(EmbeddingQuerySet)()  # type: ignore[misc]

    class Meta(CatalogModel.Meta):
        verbose_name = _("embedding")
        verbose_name_plural = _("embeddings")
        constraints = [
            models.UniqueConstraint(
                fields=["catalog", "encoder", "item", "image"], name="one_row_per_image"
            ),
        ]
        indexes = [
            models.Index(fields=["catalog", "encoder", "revision"], name="embedding_replay"),
            models.Index(fields=["catalog", "encoder", "checked"], name="embedding_checked"),
            models.Index(fields=["catalog", "content_hash"], name="embedding_content"),
        ]

    def __str__(self) -> str:
        return f"{self.item}: {self.image}"


def to_bytes(vector: NDArray[np.float32]) -> bytes:
    """Return an embedding (dim,) as it is stored: float16, little endian."""
    return vector.astype("<f2").tobytes()


def from_bytes(stored: bytes | memoryview) -> NDArray[np.float32]:
    """Return a stored embedding, (dim,) float32."""
    return np.frombuffer(stored, "<f2").astype(np.float32)


class IndexVersion(CatalogModel):
    """One built index of one encoder; searches use the active version.

    The version stores how to load its encoder. So a change of the settings affects searches only
    when a version of the new encoder is activated.
    """

    class State(models.TextChoices):
        BUILDING = "building", _("building")
        READY = "ready", _("ready")
        ACTIVE = "active", _("active")
        RETIRED = "retired", _("retired")
        FAILED = "failed", _("failed")

    encoder = models.CharField(_("encoder"), max_length=120)
    encoder_class = models.CharField(_("encoder's class"), max_length=200, blank=True)
    encoder_options = models.JSONField(_("encoder's options"), default=dict, blank=True)
    backend = models.CharField(_("index"), max_length=200)
    options = models.JSONField(_("index options"), default=dict, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.BUILDING
    )
    file = models.CharField(_("file"), max_length=300, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    revision = models.PositiveBigIntegerField(_("revision"), default=0)
    images = models.PositiveIntegerField(_("images"), default=0)
    items = models.PositiveIntegerField(_("items"), default=0)
    figures = models.JSONField(
        _("figures"), default=dict, blank=True, help_text=_("Structure, memory, build time.")
    )
    evaluation = models.JSONField(
        _("evaluation"),
        default=dict,
        blank=True,
        help_text=_("Figures on the shop's labelled photos."),
    )
    fit = models.JSONField(
        _("fit"), null=True, blank=True, help_text=_("How vectors are fitted to the catalog.")
    )
    error = models.CharField(_("error"), max_length=300, blank=True)
    created = models.DateTimeField(_("created"), auto_now_add=True)
    activated = models.DateTimeField(_("activated"), null=True, blank=True)

    class Meta(CatalogModel.Meta):
        ordering = ["-pk"]
        verbose_name = _("index version")
        verbose_name_plural = _("index versions")
        constraints = [
            models.UniqueConstraint(
                fields=["catalog", "state"],
                condition=Q(state="active"),
                name="one_active_version",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} ({self.get_state_display()})"

    @property
    def can_be_activated(self) -> bool:
        """Whether the version is ready or retired, and so complete and not active."""
        return self.state in (self.State.READY, self.State.RETIRED)


class Run(CatalogModel):
    """One reindexing run: its request, its progress, and its outcome.

    At most one run of a catalog is open, which means that it has not ended. One process prepares a
    run and builds its version; its name is in ``worker``. In between, workers claim chunks of the
    items (see :class:`~visualsearch.models.chunks.RunChunk`) and ``worker`` is "". All of them
    update ``heartbeat``. ``part`` and ``cursor``: up to where the items are divided into chunks; 0
    before they are. ``invitation``: number of the last Celery task that was sent for the run.
    """

    class Scope(models.TextChoices):
        ALL = "all", _("all products")
        MISSING = "missing", _("products missing from the index")
        FAILED = "failed", _("products with failed images")
        CHOSEN = "chosen", _("chosen products")
        FIT = "fit", _("fit to the catalog")

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        PAUSED = "paused", _("paused")
        FINISHED = "finished", _("finished")
        WITH_FAILURES = "with_failures", _("finished with failures")
        CANCELLED = "cancelled", _("cancelled")
        FAILED = "failed", _("failed")

    class Stage(models.TextChoices):
        ENCODING = "encoding", _("reading and encoding images")
        BUILDING = "building", _("building the index")
        EVALUATING = "evaluating", _("evaluating the version")

    class Wish(models.TextChoices):
        PAUSE = "pause", _("pausing")
        CANCEL = "cancel", _("cancelling")

    scope = models.CharField(_("scope"), max_length=10, choices=Scope.choices, default=Scope.ALL)
    keys = models.JSONField(_("chosen products"), default=list, blank=True)
    activate = models.BooleanField(
        _("activate"), default=True, help_text=_("Activate the version that this run builds.")
    )
    requested_by = models.CharField(_("requested by"), max_length=150, blank=True)
    state = models.CharField(_("state"), max_length=15, choices=State.choices, default=State.QUEUED)
    stage = models.CharField(_("stage"), max_length=10, choices=Stage.choices, blank=True)
    wish = models.CharField(_("requested change"), max_length=10, choices=Wish.choices, blank=True)
    # True until the run ends, then NULL, because a unique constraint admits many NULLs.
    open = models.BooleanField(_("open"), null=True, default=True, editable=False)
    worker = models.CharField(_("worker"), max_length=300, blank=True)
    # Defaults of the database, because processes of the release before create runs, too.
    encoder = models.CharField(
        _("encoder"), max_length=120, blank=True, default="", db_default="", editable=False
    )
    part = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    cursor = models.TextField(_("last product handed out"), blank=True)
    invitation = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    items = models.PositiveIntegerField(_("items"), default=0)
    done = models.PositiveIntegerField(_("done"), default=0)
    encoded = models.PositiveIntegerField(_("encoded"), default=0)
    unchanged = models.PositiveIntegerField(_("unchanged"), default=0)
    removed = models.PositiveIntegerField(_("removed"), default=0)
    failed = models.PositiveIntegerField(_("failed images"), default=0)
    worked = models.FloatField(_("processing time in seconds"), default=0)
    error = models.CharField(_("error"), max_length=300, blank=True)
    version = models.ForeignKey(
        IndexVersion, models.SET_NULL, null=True, blank=True, verbose_name=_("index version")
    )
    created = models.DateTimeField(_("created"), auto_now_add=True)
    heartbeat = models.DateTimeField(_("last heartbeat"), null=True, blank=True)
    finished = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta(CatalogModel.Meta):
        ordering = ["-pk"]
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        constraints = [
            models.UniqueConstraint(fields=["catalog", "open"], name="one_open_run"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}: {self.get_scope_display()}"

    @property
    def is_dead(self) -> bool:
        """Whether the run's state is RUNNING, but its processes have ended or miss heartbeats."""
        if self.state != self.State.RUNNING or self.heartbeat is None:
            return False
        silent = self.heartbeat < timezone.now() - timedelta(seconds=conf.get("RUN_TIMEOUT"))
        owners = [self.worker]
        if self.stage == self.Stage.ENCODING and not silent:
            chunks = RunChunk.objects.filter(run=self).exclude(owner="")
            owners = list(chunks.values_list("owner", flat=True)) or owners
        return silent or all(process_has_ended(each) for each in owners)

    @property
    def rate(self) -> float | None:
        """Items done per second of work; None before any are done."""
        return self.done / self.worked if self.done and self.worked else None

    @property
    def seconds_left(self) -> float | None:
        """Seconds until all items are encoded, at the rate so far; None before any are done."""
        return (self.items - self.done) / self.rate if self.rate else None
