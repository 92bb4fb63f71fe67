"""Start a search worker."""

from __future__ import annotations

from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand, CommandError, CommandParser

from visualsearch import conf
from visualsearch.search_queue.tasks import QUEUE


class Command(BaseCommand):
    help = (
        "Start a Celery worker that runs searches; all of its threads share one copy of model and"
        " index."
    )
    # A worker without its model starts, says what is missing, and searches once it is there.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--concurrency",
            type=int,
            default=conf.cores(),
            help="concurrent searches, default: one per core (here %(default)s)",
        )
        parser.add_argument("--name", default="search@%h", help="name of the Celery node")
        parser.add_argument("--loglevel", default="INFO", help="Celery's log level")

    def handle(self, *args: Any, **options: Any) -> None:
        if not conf.get("USE_CELERY"):
            raise CommandError(
                "Searches run in the web processes: USE_CELERY is off. Set USE_CELERY and REDIS_URL"
                " in VISUALSEARCH, and CELERY_BROKER_URL."
            )
        if options["concurrency"] < 1:
            raise CommandError("--concurrency must be at least 1.")
        current_app.worker_main(
            [
                "--quiet",
                "worker",
                f"--hostname={options['name']}",
                f"--queues={QUEUE}",
                "--pool=threads",
                f"--concurrency={options['concurrency']}",
                # A task that waits here while another worker is free helps nobody.
                "--prefetch-multiplier=1",
                "--without-gossip",
                "--without-mingle",
                f"--loglevel={options['loglevel']}",
            ]
        )
