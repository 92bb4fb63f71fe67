"""Starts again what ended unexpectedly, as Docker does with `restart: unless-stopped`."""

from __future__ import annotations

import time
from collections.abc import Callable

from .stack import Stack

# Seconds before the first start, doubled for each that is needed soon after.
FIRST_WAIT, LONGEST_WAIT = 0.2, 60.0
# Seconds after which a process counts as started well.
WELL = 10.0


class Supervisor:
    """``say`` is told what happens."""

    def __init__(self, stack: Stack, say: Callable[[str], None]):
        self.stack, self.say = stack, say
        self.waits: dict[str, float] = {}
        self.started: dict[str, float] = {}
        self.due: dict[str, float] = {}

    def watch(self) -> None:
        """Look again and again, until an exception ends it."""
        while True:
            self.look()
            time.sleep(0.1)

    def look(self) -> None:
        """Notice who ended, and start those whose time has come."""
        now = time.monotonic()
        for name, process in list(self.stack.running.items()):
            if process.poll() is not None:
                self.ended(name, process.returncode, now)
        for name in [name for name, at in self.due.items() if at <= now]:
            del self.due[name]
            self.started[name] = now
            self.stack.start(name)
            self.say(f"{name} was started again")

    def ended(self, name: str, code: int, now: float) -> None:
        """Say so, end what is left of it, and plan its start."""
        self.stack.kill(name)
        soon = name in self.started and now - self.started[name] < WELL
        wait = min(2 * self.waits[name], LONGEST_WAIT) if soon else FIRST_WAIT
        self.waits[name], self.due[name] = wait, now + wait
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        self.say(f"{name} ended unexpectedly, {how}; see {self.stack.log_path(name)}")
