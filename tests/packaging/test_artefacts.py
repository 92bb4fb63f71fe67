"""Tests that wheel and sdist are complete, and that builds are reproducible."""

import json
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes

import pytest
from readme_renderer import markdown

from .artefacts import APP, ROOT, build, copy_tree, names_in_sdist, names_in_wheel

MODEL = ROOT / "ml_models" / "shopnet"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
HOME = "https://github.com/visualsearch/visualsearch"


def app_files():
    """Return the paths of the app's files, as they are in wheel and sdist."""
    files = (path for path in APP.rglob("*") if path.is_file())
    return {
        str(path.relative_to(ROOT))
        for path in files
        if "__pycache__" not in path.parts and not path.name.startswith(".")
    }


def model_files():
    """Return the names of the model package's files: those that model.json names, and the card."""
    described = json.loads((MODEL / "model.json").read_text("utf-8"))
    parts = [described, *(value for value in described.values() if isinstance(value, dict))]
    return {"model.json", "README.md", *(part["file"] for part in parts if "file" in part)}


@pytest.fixture(scope="module")
def metadata(artefacts):
    with zipfile.ZipFile(artefacts.wheel) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith("/METADATA"))
        return message_from_bytes(wheel.read(name))


def test_wheel__has_the_app_and_its_model_and_nothing_else(artefacts):
    model = {f"visualsearch/shopnet/{name}" for name in model_files()}
    assert names_in_wheel(artefacts.wheel) == app_files() | model


def test_wheel__has_one_top_level_and_types(artefacts):
    names = names_in_wheel(artefacts.wheel)
    assert {name.split("/")[0] for name in names} == {"visualsearch"}
    assert "visualsearch/py.typed" in names
    assert "visualsearch/shopnet/region.onnx" in names
    assert "visualsearch/shopnet/objects.onnx" in names


def test_sdist__has_the_app_its_model_and_the_documents(artefacts):
    names = names_in_sdist(artefacts.sdist)
    model = {f"ml_models/shopnet/{name}" for name in model_files()}
    documents = {str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")}
    texts = {"README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml"}
    assert app_files() | model | documents | texts <= names
    assert not [name for name in names if name.startswith(("shop/", "tests/", "ml_models/lab"))]


def test_translations__are_compiled(artefacts):
    names = names_in_wheel(artefacts.wheel)
    sources = {name for name in names if name.endswith(".po")}
    assert sources
    assert {name.removesuffix(".po") + ".mo" for name in sources} <= names


def test_build__makes_the_same_bytes_from_a_copy_without_git(artefacts, tmp_path):
    again = build(copy_tree(tmp_path / "copy"), tmp_path / "dist")
    assert again.wheel.read_bytes() == artefacts.wheel.read_bytes()
    assert again.sdist.read_bytes() == artefacts.sdist.read_bytes()


def test_sdist__builds_the_same_wheel(artefacts, tmp_path):
    with tarfile.open(artefacts.sdist) as file:
        file.extractall(tmp_path, filter="data")
    tree = tmp_path / artefacts.sdist.name.removesuffix(".tar.gz")
    again = build(tree, tmp_path / "dist", "--wheel")
    assert again.wheel.read_bytes() == artefacts.wheel.read_bytes()


def test_tree__builds_the_same_wheel_without_an_sdist(artefacts, tmp_path):
    again = build(ROOT, tmp_path, "--wheel")
    assert again.wheel.read_bytes() == artefacts.wheel.read_bytes()


def test_twine_finds_nothing(artefacts):
    command = [sys.executable, "-m", "twine", "--no-color", "check", "--strict"]
    command += [artefacts.wheel, artefacts.sdist]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2
    assert "warning" not in (done.stdout + done.stderr).lower()


def test_readme__renders_on_an_index_with_absolute_links(metadata):
    assert metadata["Description-Content-Type"] == "text/markdown"
    page = markdown.render(metadata.get_payload(decode=True).decode())
    assert page, "no Markdown renderer is installed"
    links = re.findall(r'(?:href|src)="([^"]*)"', page)
    assert any(link.startswith("https://raw.githubusercontent.com/") for link in links)
    assert any(link.endswith("/docs/integrate.md") for link in links)
    assert not [link for link in links if not link.startswith(("https://", "#"))]
    assert "$HFPR" not in page


def test_metadata__tells_an_index_what_it_asks_for(metadata):
    assert metadata["Version"] == PROJECT["version"]
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Author"] == metadata["Maintainer"] == "visualsearch developers"
    urls = dict(line.split(", ") for line in metadata.get_all("Project-URL"))
    assert {"Homepage", "Documentation", "Source", "Changelog", "Issues"} <= urls.keys()
    assert all(url.startswith(HOME) for url in urls.values())
    assert "Typing :: Typed" in metadata.get_all("Classifier")


def test_changelog__begins_with_this_version_and_its_date():
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    version, date = re.search(r"^## (\S+) – (\S+)$", changelog, re.M).groups()
    assert version == PROJECT["version"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", date)


def test_build_backend__is_the_one_of_the_tests():
    built = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    assert set(built) <= set((ROOT / "tests" / "requirements.txt").read_text("utf-8").split())
