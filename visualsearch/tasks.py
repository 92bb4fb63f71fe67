"""The Celery tasks, in the module where Celery looks for them.

Importing it also connects the search threads of :mod:`visualsearch.search_queue.worker` to the
signals of a Celery worker.
"""

from .reindex.tasks import index_items, index_retry, index_run
from .search_queue import worker

__all__ = ["index_items", "index_retry", "index_run", "worker"]
