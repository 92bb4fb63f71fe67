"""Start the measured servers, ours and the peers', one at a time over the same catalog."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.search import processes
from benchmarks.search.catalog import folder_of, prepare
from benchmarks.search.clients import Job, prepared
from benchmarks.search.places import HOME, ROOT, environment, shop
from shop.tools.ports import free_port

PEERS = ROOT / "benchmarks" / "peers"
OUR_PATH = "/api/visual-search/search/"
WORKERS = 2

LABELS = {
    "eager": "ours, REST without Redis",
    "stack": "ours, REST through Redis and a worker",
    "litserve": "LitServe, same parts",
    "bentoml": "BentoML, same parts",
    "tutorial": "tutorial: Flask, Keras, scikit-learn",
    "tutorial_cosine": "the same by cosine",
}


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server; ``path``: of its search URL, ``roots``: process ids by name."""

    name: str
    port: int
    path: str
    roots: dict[str, int] = field(default_factory=dict)

    def job(self, photos: list[str], **options: Any) -> Job:
        """Return a load for this server that sends ``photos``; ``options``: fields of Job."""
        return Job(port=self.port, path=self.path, field="image", photos=photos, **options)


@dataclass(frozen=True, kw_only=True)
class OurStack(Server):
    """Our full stack, whose processes can be stopped and started one by one."""

    stack: Any


def venv(peer: str) -> Path:
    """Return the path of Python in a peer's virtual environment, created on first use."""
    folder, wanted = HOME / f"venv-{peer}", PEERS / f"{peer}.txt"
    stamp = folder / f"installed-{hashlib.sha256(wanted.read_bytes()).hexdigest()[:16]}"
    python = folder / "bin" / "python"
    if not stamp.exists():
        print(f"installing {wanted.relative_to(ROOT)}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(wanted)]
        subprocess.run(command, check=True)
        stamp.touch()
    return python


def log_of(name: str) -> Path:
    """Return the path of a server's log."""
    return HOME / "logs" / f"{name}.log"


@contextmanager
def running(
    name: str, command: list[str], environ: dict[str, str], port: int, path: str, photo: str
) -> Iterator[Server]:
    """Run a server as one process tree; yield it once it responds, stop it when the block ends.

    ``environ``: its environment variables. ``path``: of its search URL.
    """
    process = processes.start(command, environ, log_of(name))
    try:
        job = Job(port=port, path=path, field="image", photos=[photo])
        processes.wait_for(process, port, prepared(job, photo), log_of(name))
        yield Server(name=name, port=port, path=path, roots={name: process.pid})
    finally:
        processes.stop(process)


@contextmanager
def eager(size: int, photo: str) -> Iterator[Server]:
    """Run our REST API without Celery: each web process has its own model and index.

    ``size``: products in the catalog. ``photo``: path of a photo to search until the first
    response.
    """
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "shop.wsgi", "--config", "shop/gunicorn.py"]
    place = {"HTTPS": "false", "PORT": str(port), "WEB_CONCURRENCY": str(WORKERS)}
    environ = shop(folder_of(size), **place)
    with running("eager", command, environ, port, OUR_PATH, photo) as server:
        yield server


@contextmanager
def stack(size: int, photo: str) -> Iterator[OurStack]:
    """Run our REST API as deployed: PostgreSQL, Redis, web, search and index processes.

    ``size``: products in the catalog. ``photo``: path of a photo to search until the first
    response.
    """
    from shop.tools.stack import Stack

    folder = folder_of(size)
    one = Stack(folder.with_name(f"{folder.name}-stack"))
    try:
        one.start_servers()
        prepare(size, one.folder, one.environment)
        one.manage("collectstatic", "--noinput", "--verbosity=0")
        for name in ("web", "search", "index"):
            one.start(name)
        for name in ("web", "search", "index"):
            one.ready(name)
        job = Job(port=one.web_port, path=OUR_PATH, field="image", photos=[photo])
        processes.wait_for(
            one.running["web"], one.web_port, prepared(job, photo), one.log_path("web")
        )
        yield OurStack(
            name="stack",
            port=one.web_port,
            path=OUR_PATH,
            roots={name: process.pid for name, process in one.running.items()},
            stack=one,
        )
    finally:
        one.stop_all()


@contextmanager
def litserve(size: int, photo: str) -> Iterator[Server]:
    """Run the LitServe server of ``peers/litserve_app.py`` in its own virtual environment.

    ``size``: products in the catalog. ``photo``: path of a photo to search until the first
    response.
    """
    port = free_port()
    command = [str(venv("litserve")), str(PEERS / "litserve_app.py")]
    command += [str(folder_of(size)), str(port)]
    with running("litserve", command, environment(), port, "/search", photo) as server:
        yield server


@contextmanager
def bentoml(size: int, photo: str) -> Iterator[Server]:
    """Run the BentoML server of ``peers/bentoml_app.py`` in its own virtual environment.

    ``size``: products in the catalog. ``photo``: path of a photo to search until the first
    response.
    """
    port = free_port()
    command = [str(venv("bentoml")), "-m", "bentoml", "serve"]
    command += ["benchmarks.peers.bentoml_app:Search", "--host", "127.0.0.1", "--port", str(port)]
    environ = environment(
        CATALOG=str(folder_of(size)),
        BENTOML_DO_NOT_TRACK="True",
        BENTOML_HOME=str(HOME / "bentoml"),
    )
    with running("bentoml", command, environ, port, "/search", photo) as server:
        yield server


@contextmanager
def tutorial(size: int, photo: str, metric: str = "euclidean") -> Iterator[Server]:
    """Run the tutorial's server, ``peers/tutorial_app.py``, in its own virtual environment.

    ``size``: products in the catalog. ``photo``: path of a photo to search until the first
    response. ``metric``: distance of scikit-learn's neighbours, ``euclidean`` or ``cosine``.
    """
    port = free_port()
    command = [str(venv("tutorial")), str(PEERS / "tutorial_app.py")]
    command += [str(folder_of(size)), str(port), metric]
    environ = environment(TF_CPP_MIN_LOG_LEVEL="2")
    with running("tutorial", command, environ, port, "/search", photo) as server:
        yield server


STARTERS: dict[str, Callable[[int, str], AbstractContextManager[Server]]] = {
    "eager": eager,
    "stack": stack,
    "litserve": litserve,
    "bentoml": bentoml,
    "tutorial": tutorial,
    "tutorial_cosine": partial(tutorial, metric="cosine"),
}
