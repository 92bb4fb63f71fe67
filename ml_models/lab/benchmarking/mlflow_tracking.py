"""Track runs with MLflow in local files, without a server."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

EXPERIMENT = "visualsearch lab"


class Tracker:
    """An open MLflow run that metrics and files are written to."""

    def __init__(self, client: Any, run_id: str):
        self.client, self.run_id = client, run_id

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log numbers by name; ``step``: number of finished epochs."""
        for name, value in values.items():
            self.client.log_metric(self.run_id, name, value, step=step)

    def artifacts(self, folder: Path) -> None:
        """Copy all files of a folder into the run."""
        self.client.log_artifacts(self.run_id, str(folder))


def connect(uri: str) -> Any:
    """Return an MLflow client for a tracking URI, with telemetry off and file storage allowed."""
    # Disable MLflow's telemetry, and allow the file store; the database store needs all of mlflow.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    return import_module("mlflow").MlflowClient(tracking_uri=uri)


@contextmanager
def tracked(uri: str, name: str, parameters: Mapping[str, Any]) -> Iterator[Tracker]:
    """Open an MLflow run: finished when the block ends, failed if it raises.

    ``uri``: where MLflow stores runs. ``parameters``: settings to log.
    """
    client = connect(uri)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    experiment_id = experiment.experiment_id if experiment else client.create_experiment(EXPERIMENT)
    run_id = client.create_run(experiment_id, run_name=name).info.run_id
    for key, value in parameters.items():
        client.log_param(run_id, key, value)
    try:
        yield Tracker(client, run_id)
    except BaseException:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id, "FINISHED")
