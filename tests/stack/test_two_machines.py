"""Index workers of two machines that share PostgreSQL, Redis and S3, and no folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from shop.tools.ports import free_port
from tests.helpers.pictures import encoded, picture
from tests.stack.index_workers import (
    IMAGES,
    PRODUCTS,
    add_worker,
    ask_for_run,
    has_chunk,
    not_indexed,
    owners,
    run,
)
from tests.stack.stack import START, Stack, until

MACHINES = ("index", "index2")


@pytest.fixture
def s3(tmp_path):
    """The URL of an S3 server with an empty bucket."""
    boto3 = pytest.importorskip("boto3", reason="django-storages[s3] is missing")
    pytest.importorskip("moto", reason="moto, which has an S3 server, is missing")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (tmp_path / "s3.log").open("wb") as log:
        command = [sys.executable, "-m", "moto.server", "-p", str(port)]
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until(lambda: b"Running on" in (tmp_path / "s3.log").read_bytes(), START, "no S3")
        keys = {"aws_access_key_id": "of the tests", "aws_secret_access_key": "of the tests"}
        client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys)
        client.create_bucket(Bucket="pictures")
        client.close()
        yield url
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def stack(tmp_path, s3):
    """A catalog whose pictures are in S3, and the commands of two workers."""
    stack = Stack(tmp_path, S3_URL=s3, ENCODED=str(tmp_path / "encoded.log"))
    stack.environment["DJANGO_SETTINGS_MODULE"] = "tests.stack.s3_settings"
    for name in reversed(MACHINES):  # the first one's command is the pattern
        add_worker(stack, name)
        place = f"VISUALSEARCH_DATA_DIR={folder(stack, name)}"
        stack.commands[name] = ["env", place, *stack.commands[name]]
    with not_indexed(stack):
        yield stack


def folder(stack: Stack, machine: str) -> Path:
    """Return the folder of a machine's index files."""
    return stack.folder / f"files of {machine}"


def index_files(stack: Stack, machine: str) -> set[tuple[str, int]]:
    """Return names and times of the index files of a machine."""
    return {(path.name, path.stat().st_mtime_ns) for path in folder(stack, machine).glob("*.index")}


def search(stack: Stack, machine: str) -> list[tuple[str, float]]:
    """Return the products, with scores, that a new process on a machine finds."""
    photo = stack.folder / "photo.png"
    photo.write_bytes(encoded(picture(40, (24, 24)), "PNG"))
    place = str(folder(stack, machine))
    said = stack.manage("visualsearch_search", str(photo), "--json", VISUALSEARCH_DATA_DIR=place)
    return [(hit["item"], hit["score"]) for hit in json.loads(said)["hits"]]


def test_reindex__by_two_machines(stack):
    for name in MACHINES:
        stack.start(name)
    for name in MACHINES:
        stack.ready(name)
    ask_for_run(stack)
    for name in MACHINES:
        until(lambda name=name: has_chunk(stack, name), START, lambda: str(owners(stack)))
    until(lambda: run(stack)[0] == "finished", 2 * START, lambda: stack.tail("index"))
    assert run(stack) == ("finished", PRODUCTS, IMAGES)
    assert not (stack.folder / "media").exists()
    for name in MACHINES:
        stack.stop(name)

    builder = next(name for name in MACHINES if index_files(stack, name))
    other = next(name for name in MACHINES if name != builder)
    assert index_files(stack, other) == set()
    found = search(stack, builder)
    assert found[0][0] == "P10"
    assert search(stack, other) == found
    made = index_files(stack, other)
    assert len(made) == 1
    # The next process reads that file.
    assert search(stack, other) == found
    assert index_files(stack, other) == made
    place = str(folder(stack, other))
    report = stack.manage("visualsearch_check", "--json", VISUALSEARCH_DATA_DIR=place)
    assert json.loads(report)["clean"] is True
