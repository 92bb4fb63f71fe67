"""Celery's tasks, that is indexing, are logged under the id of the request that asked for them.

Of django-structlog's receivers these two: Celery itself has a line for each end of a task.
"""

from __future__ import annotations

from celery.signals import before_task_publish, task_prerun
from django_structlog.celery.receivers import CeleryReceiver

_receiver = CeleryReceiver()
before_task_publish.connect(_receiver.receiver_before_task_publish, weak=False)
task_prerun.connect(_receiver.receiver_task_prerun, weak=False)
