"""Log Celery's indexing tasks under the id of the request that queued them.

Only these two receivers of django-structlog are used, because Celery itself logs the end of each
task.
"""

from __future__ import annotations

from typing import Any

from celery.signals import before_task_publish, task_prerun
from django_structlog.celery.receivers import CeleryReceiver

_receiver = CeleryReceiver()
before_task_publish.connect(_receiver.receiver_before_task_publish, weak=False)


@task_prerun.connect(dispatch_uid="visualsearch.structlog")
def go_on_as(task_id: str, task: Any, **kwargs: object) -> None:
    """Bind the id of the request that queued the task.

    Does nothing for a task that a web process runs itself, within a request.
    """
    if not task.request.is_eager:
        _receiver.receiver_task_prerun(task_id, task)
