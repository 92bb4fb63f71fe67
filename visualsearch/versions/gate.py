"""Decide whether a new version may replace the active one."""

from __future__ import annotations

from pathlib import Path

from django.utils.translation import gettext as _

from .. import conf
from ..catalogs.names import of_current_catalog
from ..evaluation import labelled_photos
from ..models import IndexVersion
from .lifecycle import active_version


def evaluate_version(version: IndexVersion) -> None:
    """Evaluate a version on the photos of ``LABELLED_QUERIES``; store the figures in the version.

    Does nothing if the setting is empty. See
    :func:`visualsearch.evaluation.labelled_photos.evaluate`.
    """
    path = of_current_catalog("LABELLED_QUERIES")
    if path:
        photos = labelled_photos.read_queries(Path(path))
        version.evaluation = labelled_photos.evaluate(photos, version=version.pk)
        version.save(update_fields=["evaluation"])


def reason_to_hold_back(version: IndexVersion) -> str:
    """Return why a new version should not be activated automatically, "" if it should.

    The reason, as text for staff: the version finds no more labelled items than the active one, or
    its recall@10 is lower by more than ``MAX_RECALL_DROP``.
    """
    if version.fit and version.fit.get("better") is False:
        return _(
            "Version %(version)s was built but not activated: on %(queries)s labelled"
            " searches, it finds no more products than the active version."
        ) % {"version": version.pk, "queries": version.fit["queries"]}
    before = active_version()
    measured = version.evaluation.get("sku", {}).get("recall@10")
    if before is None or measured is None:
        return ""
    if before.evaluation.get("queries") != version.evaluation["queries"]:
        return ""
    reference = before.evaluation["sku"]["recall@10"]
    if measured >= reference - conf.get("MAX_RECALL_DROP"):
        return ""
    return _(
        "Version %(version)s was built but not activated: recall@10 on the labelled photos"
        " fell from %(before).3f to %(now).3f. Compare the versions, and activate the new one"
        " if the drop is acceptable."
    ) % {"version": version.pk, "before": reference, "now": measured}
