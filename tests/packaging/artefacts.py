"""Build the package's wheel and sdist, and list their files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "visualsearch"
# All that the build reads besides the app's files.
SOURCES = ["visualsearch", "ml_models", "docs", "pyproject.toml", "README.md", "CHANGELOG.md"]
SOURCES += ["LICENSE", ".gitignore"]


@dataclass(frozen=True, kw_only=True)
class Artefacts:
    """The wheel and sdist of one build."""

    wheel: Path
    sdist: Path


def build(tree: Path, folder: Path, *what: str) -> Artefacts:
    """Build a source tree as ``python -m build`` does; raise CalledProcessError if it fails.

    The backend comes from the tests' own environment, which has the versions of pyproject.toml:
    ``build`` checks that. pip builds the sdist in an isolated environment when it installs it.
    """
    environment = {k: v for k, v in os.environ.items() if k != "SOURCE_DATE_EPOCH"}
    command = [sys.executable, "-m", "build", "--no-isolation", *what, "--outdir", folder, tree]
    subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    wheel, sdist = [*folder.glob("*.whl"), None], [*folder.glob("*.tar.gz"), None]
    return Artefacts(wheel=wheel[0], sdist=sdist[0])


def copy_tree(folder: Path) -> Path:
    """Copy the sources without git, with today's dates and other permissions."""
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__", "lab", "runs")
            shutil.copytree(source, folder / name, ignore=ignore, copy_function=shutil.copyfile)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, folder / name)
    for path in folder.rglob("*.py"):
        path.chmod(0o600)
    return folder


def names_in_wheel(wheel: Path) -> set[str]:
    """Return the paths of a wheel's files, without its ``.dist-info``."""
    with zipfile.ZipFile(wheel) as file:
        return {name for name in file.namelist() if ".dist-info/" not in name}


def names_in_sdist(sdist: Path) -> set[str]:
    """Return the paths of an sdist's files, without its top folder."""
    with tarfile.open(sdist) as file:
        return {name.partition("/")[2] for name in file.getnames()}
