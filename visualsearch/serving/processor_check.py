"""Compare this machine's embeddings with an encoder's known answers, and store the result.

Known answers are reference embeddings of a few pictures, stored with the model. If an index is
built on one processor and searched on another that computes other embeddings, results get worse
without any error. So search workers and runs compare when they start, and the results of all
machines are in the database.
"""

from __future__ import annotations

import logging
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from socket import gethostname

from django.db import DatabaseError
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from ..encoders.base import Encoder
from ..models import Processor

logger = logging.getLogger(__name__)

CPUINFO = Path("/proc/cpuinfo")
# CPU flags that select int8 kernels, best first; virtual machines with the same model name may
# differ in them.
FEATURES = (
    *("avx512_vnni", "avx_vnni", "avx512bw", "avx2", "avx", "sse4_1"),
    *("i8mm", "asimddp", "asimd"),
)


def processor_name() -> str:
    """Return the processor model and its best int8 instructions, such as ``… (avx2)``."""
    known: dict[str, str] = {}
    try:
        for line in CPUINFO.read_text("utf-8").splitlines():
            key, _colon, value = line.partition(":")
            known.setdefault(key.strip().lower(), value.strip())
    except OSError:
        pass  # not Linux
    name = known.get("model name") or platform.processor() or platform.machine()
    flags = (known.get("flags") or known.get("features") or "").split()
    best = next((each for each in FEATURES if each in flags), "")
    return f"{name} ({best})" if best else name


def runtime_name() -> str:
    """Return name and version of ONNX Runtime, such as ``onnxruntime 1.31.1``.

    "" if it is not installed.
    """
    try:
        return f"onnxruntime {version('onnxruntime')}"
    except PackageNotFoundError:
        return ""


def check_this_processor(encoder: Encoder) -> Processor | None:
    """Compare this machine's embeddings with the encoder's known answers; store the result.

    Known answers are reference embeddings stored with the model. Returns the result, None for an
    encoder without known answers. Logs a warning if the embeddings differ, or if the database is
    down. Raises ModelUnavailable if the model cannot be loaded.
    """
    lowest = encoder.lowest_known_cosine()
    if lowest is None or encoder.known_answers is None:
        return None
    found = Processor(
        encoder=encoder.id,
        name=processor_name()[:200],
        runtime=runtime_name()[:50],
        lowest_cosine=lowest,
        least_cosine=encoder.known_answers.least_cosine,
        host=gethostname()[:200],
        checked=timezone.now(),
    )
    if not found.agrees:
        logger.warning("%s", advice_for(found))
    key = ("encoder", "name", "runtime")
    values = ("lowest_cosine", "least_cosine", "host", "checked")
    try:
        Processor.objects.update_or_create(
            **{name: getattr(found, name) for name in key},
            defaults={name: getattr(found, name) for name in values},
        )
    except DatabaseError as error:
        logger.warning(
            "The result of the comparison with known answers could not be stored: %s", error
        )
    return found


def differing_processors(encoder_id: str) -> list[Processor]:
    """Return the processors whose embeddings differ from an encoder's reference embeddings."""
    return list(Processor.objects.filter(encoder=encoder_id, lowest_cosine__lt=F("least_cosine")))


def advice_for(processor: Processor) -> str:
    """Return a message for staff on how a processor's embeddings differ, and what to do."""
    return _(
        "The embeddings of %(encoder)s on %(processor)s (%(host)s, %(runtime)s) differ from"
        " the model's known answers: their cosine is %(lowest).4f and must be at least"
        " %(least)s. Other machines find the images that this processor indexes less reliably."
        " Serve a model with exact int8 (ml_models.lab.quantise) or a float32 model, or set"
        " VISUALSEARCH[“ENCODER_OPTIONS”][“precise”] to True. Then restart the workers and run"
        " manage.py visualsearch_index --all."
    ) % {
        "processor": processor.name,
        "host": processor.host,
        "runtime": processor.runtime,
        "encoder": processor.encoder,
        "lowest": processor.lowest_cosine,
        "least": processor.least_cosine,
    }
