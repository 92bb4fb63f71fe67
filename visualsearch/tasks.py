"""The Celery tasks, in the module where Celery looks for them.

Importing it also connects the search threads of :mod:`visualsearch.search_queue.worker` to the
signals of a Celery worker.
"""

from .analytics.tasks import check_catalog
from .reindex.tasks import index_items, index_repair, index_retry, index_run
from .search_queue import worker
from .search_queue.tasks import classify, embed, search

__all__ = [
    "check_catalog",
    "classify",
    "embed",
    "index_items",
    "index_repair",
    "index_retry",
    "index_run",
    "search",
    "worker",
]
