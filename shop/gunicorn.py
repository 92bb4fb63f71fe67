"""Gunicorn of the sample shop: `gunicorn shop.wsgi --config shop/gunicorn.py`.

Beside these, Gunicorn itself reads FORWARDED_ALLOW_IPS from the environment.
"""

import os
from importlib import import_module
from pathlib import Path
from typing import Any

from gunicorn import glogging

from visualsearch.contrib.prometheus import processes

if os.environ.get("METRICS_TOKEN"):
    # Each process counts, and whoever is asked tells of all.
    processes.share()

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"

# A thread mostly waits for a search worker; decoding a photo releases the interpreter's lock. They
# are more than VISUALSEARCH["MAX_QUEUE"], so that one is free to say that there are too many.
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
# Gunicorn's "gthread" that does not wait for slow clients for ever.
worker_class = "visualsearch.contrib.gunicorn.worker.PatientWorker"
threads = int(os.environ.get("WEB_THREADS", "20"))
# Code is loaded once, and its memory is shared by the workers.
preload_app = True

# Seconds. A worker that gives no sign of life for so long is killed; requests end sooner.
timeout = 30
# What a browser sends next finds its connection open.
keepalive = 5

# Workers give their signs of life by a file: in memory, for a disk may stall.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None
# Nobody asks it for anything, and a read-only container has no place for it.
control_socket_disable = True


class Logger(glogging.Logger):
    """Leaves it to Django's settings where lines go, and what they look like."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


logger_class = Logger


def child_exit(server: object, worker: Any) -> None:
    """What a process had at the moment goes with it; what it counted stays."""
    processes.ended(worker.pid)


def when_ready(server: object) -> None:
    """Load what Django loads at the first request: before the workers are forked, and once."""
    from django.conf import settings

    import_module(settings.ROOT_URLCONF)
