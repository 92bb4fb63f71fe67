"""The Celery tasks, in the module where Celery looks for them.

Importing it also connects the search threads of :mod:`visualsearch.search_queue.worker` to the
signals of a Celery worker.
"""

from .reindex.tasks import index_items, index_repair, index_retry, index_run
from .search_queue import worker
from .search_queue.tasks import classify, embed, search

__all__ = [
    "classify",
    "embed",
    "index_items",
    "index_repair",
    "index_retry",
    "index_run",
    "search",
    "worker",
]
