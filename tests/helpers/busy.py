"""Keep a process busy with searches that do not end by themselves."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from visualsearch.search_queue.admission import running_search


@contextmanager
def searches_running(count: int = 1) -> Iterator[None]:
    """Count as ``count`` running searches of other requests until the ``with`` block ends."""
    ended = threading.Event()
    started = threading.Barrier(count + 1)

    def work() -> None:
        with running_search():
            started.wait()
            ended.wait()

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    started.wait()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()
