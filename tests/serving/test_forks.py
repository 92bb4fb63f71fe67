"""Search keeps working after a fork, as by gunicorn's --preload or Celery's prefork pool."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.helpers.pictures import picture
from tests.helpers.reindex import reindex
from visualsearch.conf import SHIPPED_MODEL
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.photos.decode import Photo
from visualsearch.search import by_photo
from visualsearch.search.requests import SearchRequest
from visualsearch.serving import loaded_versions

SEARCHES_IN_A_CHILD = """
import os
import threading
import numpy as np
from PIL import Image
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.indexes.faiss import FaissIndex

encoder = OnnxEncoder(os.environ["MODEL"])
index = FaissIndex(encoder.dim)
rng = np.random.default_rng(0)
index.add(np.arange(20_000), rng.normal(size=(20_000, encoder.dim)).astype(np.float32))
image = Image.new("RGB", (64, 64), "red")
there = encoder.encode([image]).embeddings[0]
index.search(there, 5)
child = os.fork()
if not child:
    here = encoder.encode([image]).embeddings[0]
    index.search(here, 5)
    os._exit(0 if np.array_equal(here, there) else 3)
assert os.waitpid(child, 0)[1] == 0
"""


def test_fork__after_a_search():
    done = subprocess.run(
        [sys.executable, "-c", SEARCHES_IN_A_CHILD],
        env={**os.environ, "MODEL": str(SHIPPED_MODEL)},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def in_child(check) -> None:
    """Run ``check`` in a forked child; fail if it returns false there."""
    child = os.fork()
    if not child:
        os._exit(0 if check() else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # forking a multi-threaded process
def test_fork__while_another_thread_holds_the_locks():
    encoder = OnnxEncoder(SHIPPED_MODEL)
    encoder.encode([picture(1)])
    held, done = threading.Event(), threading.Event()

    def hold():
        with encoder._lock, loaded_versions._lock, loaded_versions._loading:
            held.set()
            done.wait(120)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    try:
        in_child(
            lambda: (
                not encoder._sessions
                and encoder._lock.acquire(timeout=60)
                and loaded_versions._lock.acquire(timeout=60)
                and loaded_versions._loading.acquire(timeout=60)
            )
        )
    finally:
        done.set()
        holder.join()


def test_fork__the_child_has_no_index_of_its_parent(sold):
    reindex()
    assert by_photo.search(Photo(image=picture(3)), SearchRequest(limit=1)).hits[0].item == "P3"
    assert loaded_versions._live
    in_child(lambda: not loaded_versions._live)
    assert loaded_versions._live
