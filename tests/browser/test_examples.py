"""Run the examples of the REST documentation literally against a running shop."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.test_search import upload
from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex
from visualsearch.models import Event, Query, Storefront

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs/rest.md").read_text("utf-8")
SHOP = "http://localhost:8000"

pytestmark = pytest.mark.django_db(transaction=True)


def blocks(language):
    found = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)
    return [block for block in found if "/api/" in block]


@pytest.fixture
def folder(sold, tmp_path):
    """A folder with a photo, in which to run the examples."""
    reindex()
    (tmp_path / "photo.jpg").write_bytes(encoded(picture(3)))
    return tmp_path


def run(command, folder):
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_are_examples_in_each_language():
    assert len(blocks("sh")) >= 4
    assert len(blocks("python")) >= 1
    assert len(blocks("js")) >= 1


@pytest.mark.parametrize("example", blocks("sh"))
def test_curl(example, live_server, folder, client):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    storefront = Storefront(name="blog")
    values = {"vs_…": storefront.new_key()}
    storefront.save()
    if '"query_id": "…"' in example:
        found = upload(client, (folder / "photo.jpg").read_bytes()).json()
        values |= {'"query_id": "…"': f'"query_id": "{found["query_id"]}"'}
        values |= {'"product": "…"': '"product": "P3"'}
    for placeholder, value in values.items():
        example = example.replace(placeholder, value)
    assert "…" not in example
    before = Query.objects.count(), Event.objects.count()
    answer = run(["bash", "-ec", example.replace(SHOP, live_server.url)], folder)
    assert '"errors":[{' not in answer
    assert (Query.objects.count(), Event.objects.count()) > before


@pytest.mark.parametrize("example", blocks("python"))
def test_python(example, live_server, folder):
    answer = run([sys.executable, "-c", example.replace(SHOP, live_server.url)], folder)
    assert "'key': 'P3'" in answer


@pytest.mark.parametrize("example", blocks("js"))
def test_javascript(example, live_server, folder, chromium):
    page = chromium.new_page()
    page.goto(f"{live_server.url}/api/visual-search/status/")
    page.evaluate("document.body.innerHTML = '<input type=file>'")
    page.set_input_files("input", folder / "photo.jpg")
    names = re.search(r"const \{ (.*?) \}", example)[1]
    found = page.evaluate(f"async () => {{ {example}; return {{ {names} }}; }}")
    page.close()
    first = found["results"][0]["product"]
    assert first["key"] == "P3"
    assert first["url"].startswith(live_server.url)
