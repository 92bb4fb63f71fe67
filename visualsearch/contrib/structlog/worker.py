"""Celery's tasks, that is indexing, are logged under the id of the request that asked for them.

Of django-structlog's receivers these two: Celery itself has a line for each end of a task.
"""

from __future__ import annotations

from typing import Any

from celery.signals import before_task_publish, task_prerun
from django_structlog.celery.receivers import CeleryReceiver

_receiver = CeleryReceiver()
before_task_publish.connect(_receiver.receiver_before_task_publish, weak=False)


@task_prerun.connect(dispatch_uid="visualsearch.structlog")
def go_on_as(task_id: str, task: Any, **kwargs: object) -> None:
    """Not where a web process does the task itself, in the midst of its request."""
    if not task.request.is_eager:
        _receiver.receiver_task_prerun(task_id, task)
