"""Check the API against its OpenAPI schema by schemathesis, over HTTP."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from shop.tools.compose import ROOT
from tests.api.test_search import PHOTO, upload
from tests.helpers.reindex import reindex
from visualsearch.models import Event, Query

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
)


@pytest.fixture
def ask(live_server, client, sold, tmp_path):
    """A function that runs schemathesis and returns the number of requests, all of which passed."""
    reindex()
    query_id = upload(client, PHOTO).json()["query_id"]

    def run(*options, **environment):
        command = [str(Path(sys.executable).parent / "st"), "run", f"{live_server}/api/schema/"]
        fixed = ["--seed=1", "--suppress-health-check=all", "--no-color", "--warnings=off"]
        done = subprocess.run(
            [*command, f"--checks={','.join(CHECKS)}", *fixed, *options],
            env={**os.environ, "CONFORMANCE_QUERY_ID": query_id, **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        return int(re.search(r"(\d+) generated, \1 passed", done.stdout)[1])

    return run


@pytest.mark.django_db(transaction=True)
def test_conformance__whatever_is_sent(ask):
    assert ask("--phases=examples,coverage") > 300
    assert Query.objects.count() == 1  # only the fixture's search; no generated body was a photo


@pytest.mark.django_db(transaction=True)
def test_conformance__with_photos_searches_and_products_that_there_are(ask):
    hooks = {"SCHEMATHESIS_HOOKS": "tests.api.conformance_hooks", "PYTHONPATH": str(ROOT)}
    assert ask("--phases=fuzzing", "--max-examples=40", **hooks) > 150
    # Many requests were valid and reached the search.
    assert Query.objects.count() > 20
    assert Event.objects.exists()
