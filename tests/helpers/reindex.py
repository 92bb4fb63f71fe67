"""Helpers that reindex in the test's own process."""

from __future__ import annotations

from typing import Any

from visualsearch.models import IndexVersion, Run
from visualsearch.reindex import runs
from visualsearch.versions import lifecycle


def reindex(scope: str = Run.Scope.ALL, **values: Any) -> Run:
    """Request a run, execute it to its end, and return it."""
    run, new = runs.request(scope, **values)
    assert new, f"run {run.pk} is {run.state}"
    return runs.execute(run)


def rebuild() -> IndexVersion:
    """Build a version from the stored embeddings, activate it, and return it."""
    version = lifecycle.create_version()
    lifecycle.build(version)
    lifecycle.activate(version)
    lifecycle.delete_old_versions()
    return version
