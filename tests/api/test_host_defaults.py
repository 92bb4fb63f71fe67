"""A host project's REST framework defaults change nothing.

Views read the defaults when they are imported, so the API's tests run again in a process of their
own.
"""

import subprocess
import sys

import pytest

TESTS = [
    "test_search.py",
    "test_batch.py",
    "test_events.py",
    "test_status.py",
    "test_storefronts.py",
]


@pytest.mark.parametrize("name", TESTS)
def test_api__same_with_other_defaults(name):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["--ds=tests.api.host_settings", f"tests/api/{name}"]
    command += ["-k", "not test_schema and not test_docs"]  # views of drf-spectacular
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


CALL = """
import django
django.setup()
from django.test import Client
answer = Client().get("/api/visual-search/queries/no-uuid/?format=xml", headers={"Accept": "a/b"})
print(answer.status_code, answer["Content-Type"], answer.content.decode())
"""


@pytest.mark.parametrize("module", ["shop.settings", "tests.api.host_settings"])
def test_answer__json_whatever_is_accepted(module):
    environment = {"DJANGO_SETTINGS_MODULE": module, "DATABASE_URL": "sqlite://:memory:"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CALL],
        env=environment | {"ALLOWED_HOSTS": "testserver", "DEBUG": "true"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("404 application/json {"), done.stdout + done.stderr
