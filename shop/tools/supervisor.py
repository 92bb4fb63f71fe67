"""Restart services that end unexpectedly, as Docker does with `restart: unless-stopped`."""

from __future__ import annotations

import time
from collections.abc import Callable

from .stack import Stack

# Seconds before the first restart, doubled for each one that follows soon.
FIRST_WAIT, LONGEST_WAIT = 0.2, 60.0
# Seconds after which a restart counts as successful.
WELL = 10.0


class Supervisor:
    """Restarts a stack's services with exponential backoff.

    ``say`` is called with a text for each event.
    """

    def __init__(self, stack: Stack, say: Callable[[str], None]):
        self.stack, self.say = stack, say
        self.waits: dict[str, float] = {}
        self.started: dict[str, float] = {}
        self.due: dict[str, float] = {}

    def watch(self) -> None:
        """Check the services ten times a second until an exception is raised."""
        while True:
            self.look()
            time.sleep(0.1)

    def look(self) -> None:
        """Schedule restarts of services that have ended, and restart those that are due."""
        now = time.monotonic()
        for name, process in list(self.stack.running.items()):
            if process.poll() is not None:
                self.ended(name, process.returncode, now)
        for name in [name for name, at in self.due.items() if at <= now]:
            del self.due[name]
            self.started[name] = now
            self.stack.start(name)
            self.say(f"{name} was restarted")

    def ended(self, name: str, code: int, now: float) -> None:
        """Report that a service has ended, kill the rest of its processes, and schedule a restart.

        ``code``: its exit code; ``now``: the time by ``time.monotonic``.
        """
        self.stack.kill(name)
        soon = name in self.started and now - self.started[name] < WELL
        wait = min(2 * self.waits[name], LONGEST_WAIT) if soon else FIRST_WAIT
        self.waits[name], self.due[name] = wait, now + wait
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        self.say(f"{name} ended unexpectedly, {how}; see {self.stack.log_path(name)}")
