"""Gunicorn configuration of the sample shop: `gunicorn shop.wsgi --config shop/gunicorn.py`.

Gunicorn itself also reads FORWARDED_ALLOW_IPS from the environment.
"""

import os
from importlib import import_module
from pathlib import Path
from typing import Any

from gunicorn import glogging

from visualsearch.contrib.prometheus import processes

if os.environ.get("METRICS_TOKEN"):
    # Processes share their metrics, so that any of them can serve all.
    processes.share()

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"

# A thread mostly waits for a search worker; decoding a photo releases the GIL. There are more
# threads than VISUALSEARCH["MAX_QUEUE"], so that one is free to reject requests over the limit.
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
# Gunicorn's "gthread" with a time limit for slow clients.
worker_class = "visualsearch.contrib.gunicorn.worker.PatientWorker"
threads = int(os.environ.get("WEB_THREADS", "20"))
# Load the code once, so that the workers share its memory.
preload_app = True

# Seconds. A worker without a heartbeat for this long is killed; requests end sooner.
timeout = 30
# Seconds. A browser's next request reuses its connection.
keepalive = 5

# Heartbeat files are kept in memory, because a disk may stall.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None
# The control socket is not used, and a read-only container has no place for it.
control_socket_disable = True


class Logger(glogging.Logger):
    """Gunicorn's logger, which passes its records to Django's LOGGING."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


logger_class = Logger


def child_exit(server: object, worker: Any) -> None:
    """Drop the gauges of a worker that exited, and keep its counters (a Gunicorn hook)."""
    processes.ended(worker.pid)


def when_ready(server: object) -> None:
    """Import the URLconf before the workers fork, not at the first request (a Gunicorn hook)."""
    from django.conf import settings

    import_module(settings.ROOT_URLCONF)
