"""Disturb the stack: kill, freeze and restart processes in an order that depends on the seed."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import psutil
from django.db import Error, connection

from shop.tools.stack import StackError, until
from visualsearch.exceptions import BackendUnavailable
from visualsearch.models import IndexVersion
from visualsearch.reindex import launch, runs
from visualsearch.versions import lifecycle

from .client import search
from .goods import Goods, photo_of
from .machine import Machine
from .report import Journal

# Seconds in which search must be back after a service is.
BACK = 60.0
# Kinds with the services that they happen to. A worker process is a child of its service.
KINDS = (
    *(("kill", name) for name in ("web", "search", "index", "redis", "db")),
    *(("kill a process of", name) for name in ("web", "index")),
    *(("freeze", name) for name in ("search", "index", "redis", "db")),
    ("freeze a process of", "web"),
    *(("restart", name) for name in ("web", "search", "index", "redis", "db")),
    *(("clock jumps", name) for name in ("web", "search", "index")),
    ("disk full", "index"),
    *(("reindex", "index"), ("activate", "index")) * 2,
)
# Seconds by which a clock jumps, less than a search is kept (QUERY_LIFETIME).
JUMPS = (-1800, 1800)


@dataclass(frozen=True, kw_only=True)
class Disturbance:
    """Something done to a service, ``calm`` seconds after the one before, for ``seconds``.

    ``number``: a random number, by which a process or a version is chosen.
    """

    kind: str
    service: str
    calm: float
    seconds: float
    number: int

    def __str__(self) -> str:
        return f"{self.kind} {self.service}"


def planned(seed: int) -> Iterator[Disturbance]:
    """Yield disturbances without end: all kinds in random order, then all in another order."""
    rng = random.Random(f"{seed} disturbances")
    while True:
        for kind, service in rng.sample(KINDS, len(KINDS)):
            yield Disturbance(
                kind=kind,
                service=service,
                calm=round(rng.uniform(0.5, 4), 1),
                seconds=round(rng.uniform(0.5, 4), 1),
                number=rng.randrange(1 << 30),
            )


class Disturber:
    """Does disturbances, one after another; the outages that they may cause are stated before."""

    def __init__(self, machine: Machine, goods: Goods, journal: Journal):
        self.machine, self.goods, self.journal = machine, goods, journal
        self.ways: dict[str, Callable[[Disturbance], str | None]] = {
            "kill": self.kill,
            "kill a process of": self.kill_process,
            "freeze": self.freeze,
            "freeze a process of": self.freeze_process,
            "restart": self.restart,
            "clock jumps": self.jump,
            "disk full": self.fill_disk,
            "reindex": self.reindex,
            "activate": self.activate,
        }

    def disturb(self, one: Disturbance) -> str:
        """Do one disturbance and wait until the stack is well again; return what happened."""
        if reason := self.machine.without.get(one.kind):
            return f"skipped: {reason}"
        try:
            return self.ways[one.kind](one) or ""
        except StackError as error:
            self.journal.failed.append(f"{one}: {error}")
            return "FAILED"

    def outage(self, service: str) -> AbstractContextManager[None]:
        """State an outage of a service; searches notice none of the index worker."""
        return nullcontext() if service == "index" else self.journal.outages.stated(service)

    def back(self, service: str) -> str:
        """Wait until a service and the search are back; return how long it took."""
        start = time.monotonic()
        self.machine.ready(service)
        if service != "index":
            wait = BACK if service != "search" else 2 * BACK
            until(self.searches, wait, lambda: f"no search: {self.machine.tail('search')}")
        return f"back after {time.monotonic() - start:.1f} s"

    def searches(self) -> bool:
        """Return whether a search for a visible product succeeds."""
        picture = self.goods.all[self.goods.keys("visible")[0]].picture
        return search(self.machine.web_port, photo_of(picture)).status == 200

    def kill(self, one: Disturbance) -> str:
        with self.outage(one.service):
            self.machine.kill(one.service)
            time.sleep(one.seconds)
            self.machine.start(one.service)
            return self.back(one.service)

    def restart(self, one: Disturbance) -> str:
        with self.outage(one.service):
            self.machine.stop(one.service)
            self.machine.start(one.service)
            return self.back(one.service)

    def child(self, one: Disturbance) -> int:
        """Return the id of a child process of a service."""
        children = psutil.Process(self.machine.running[one.service].pid).children()
        if not children:
            raise StackError(f"{one.service} has no processes: {self.machine.tail(one.service)}")
        return children[one.number % len(children)].pid

    def kill_process(self, one: Disturbance) -> str:
        with self.outage(one.service):
            os.kill(self.child(one), signal.SIGKILL)
            return self.back(one.service)

    def freeze(self, one: Disturbance) -> str:
        with self.outage(one.service):
            self.machine.pause(one.service)
            time.sleep(one.seconds)
            self.machine.resume(one.service)
            return self.back(one.service)

    def freeze_process(self, one: Disturbance) -> str:
        with self.outage(one.service):
            process = psutil.Process(self.child(one))
            process.suspend()
            time.sleep(one.seconds)
            process.resume()
            return self.back(one.service)

    def jump(self, one: Disturbance) -> str:
        """Let a clock jump, and back again after a while."""
        seconds = JUMPS[one.number % len(JUMPS)]
        self.machine.set_clock(one.service, seconds)
        time.sleep(one.seconds + 1)
        self.machine.set_clock(one.service, 0)
        time.sleep(1)
        return f"by {seconds} s and back"

    def fill_disk(self, one: Disturbance) -> str:
        """Fill the disk of the index files during a reindex."""
        self.machine.fill_disk()
        try:
            did = self.reindex(one)
            time.sleep(one.seconds)
        finally:
            self.machine.free_disk()
        return f"during a reindex ({did})"

    def reindex(self, one: Disturbance) -> str:
        """Request a reindex of all products, as the admin's button does."""
        try:
            run, new = runs.request("all", by="chaos")
            if new:
                launch.start_run(run)
            return f"run {run.pk} {'requested' if new else 'is open'}"
        except (Error, BackendUnavailable) as error:
            raise StackError(f"no reindex: {error!r}") from error
        finally:
            connection.close()

    def activate(self, one: Disturbance) -> str:
        """Activate another index version that is kept, as the admin's button does."""
        usable = (IndexVersion.State.READY, IndexVersion.State.RETIRED)
        try:
            versions = list(IndexVersion.objects.filter(state__in=usable).order_by("pk"))
            if not versions:
                return "no other version"
            version = versions[one.number % len(versions)]
            lifecycle.activate(version)
            return f"version {version.pk}"
        except lifecycle.NotUsable as error:
            return str(error)  # deleted by a run meanwhile
        except Error as error:
            raise StackError(f"no activation: {error!r}") from error
        finally:
            connection.close()
