"""A change in the shop is not delayed while the broker is away."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from shop.tools.compose import ROOT
from tests.helpers.hanging import before_the_hang_ends

CHANGE = """
import django
django.setup()
from visualsearch.reindex import launch
from visualsearch.exceptions import BackendUnavailable
try:
    launch.refresh_later(["P1"])
except BackendUnavailable:
    print("told")
"""


class Doorman:
    """A fake Redis that counts connections and closes them at once or lets them hang."""

    def __init__(self, *, hangs: bool):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.hangs, self.count = hangs, 0
        self.held: list[socket.socket] = []
        threading.Thread(target=self.work, daemon=True).start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.listening.getsockname()[1]}/0"

    def work(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listening.accept()
                self.count += 1
                if self.hangs:
                    self.held.append(connection)
                else:
                    connection.close()

    def close(self) -> None:
        """Close the server and all hanging connections."""
        self.listening.close()
        for connection in self.held:
            connection.close()


@pytest.mark.parametrize("hangs", [False, True], ids=["gone", "hangs"])
def test_refresh__a_broker_that_is_away_is_asked_few_times(hangs):
    """Celery's defaults would retry for 19 seconds."""
    doorman = Doorman(hangs=hangs)
    environment = {
        **os.environ,
        "REDIS_URL": doorman.url,
        "DJANGO_SETTINGS_MODULE": "shop.settings",
    }
    try:
        with before_the_hang_ends(doorman.close):
            done = subprocess.run(
                [sys.executable, "-c", CHANGE],
                cwd=ROOT, env=environment, capture_output=True, text=True,
            )  # fmt: skip
    finally:
        doorman.close()
    assert done.stdout == "told\n", done.stderr
    assert 1 <= doorman.count <= 2  # one retry, as a pooled connection may predate a restart
