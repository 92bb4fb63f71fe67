"""Runs and versions as a test needs them, in its own process."""

from __future__ import annotations

from typing import Any

from visualsearch import runs, versions
from visualsearch.models import IndexVersion, Run


def reindex(scope: str = Run.Scope.ALL, **values: Any) -> Run:
    """A whole run."""
    run, new = runs.request(scope, **values)
    assert new, f"run {run.pk} is {run.state}"
    return runs.execute(run)


def rebuild() -> IndexVersion:
    """A new version from the rows, made active."""
    version = versions.make()
    versions.build(version)
    versions.activate(version)
    versions.prune()
    return version
