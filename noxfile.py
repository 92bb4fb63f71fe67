"""Run the tests on the Pythons and Djangos that the project supports; see ``./run matrix``."""

from __future__ import annotations

from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent
# Django 6 needs Python 3.12.
PAIRS = [
    ("3.11", "5.2"),
    *[(python, django) for python in ("3.12", "3.13") for django in ("5.2", "6.0", "6.1")],
]
CORNERS = [("3.11", "5.2"), ("3.13", "6.1")]
# Tests that no version of Python or Django changes: browser, other servers, lab.
LEFT_OUT = ["tests/browser", "tests/stack", "tests/lab"]
# A quick part of it: these folders and the modules beside them, without what is slow and works
# with pictures or numbers and not with Django.
CORNER_FOLDERS = ["packaging", "api", "web", "admin", "commands", "other_shop", "analytics"]
CORNER_FOLDERS += ["photos", "search", "search_queue", "serving", "versions", "reindex"]
SLOW = ["api/test_conformance.py", "photos/test_corpus.py", "photos/test_worst_photos.py"]
SLOW += [f"analytics/test_{name}.py" for name in ("statistics", "experiment_verdicts")]
SLOW += ["analytics/test_experiment_comparison.py"]

# A Python that is missing is a test that did not run.
nox.options.error_on_missing_interpreters = True
nox.options.sessions = ["tests"]


def install(session: nox.Session, django: str) -> None:
    """Install what the tests need, with one Django in place of that of requirements.txt."""
    others = Path(session.create_tmp()) / "requirements.txt"
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    others.write_text("\n".join(line for line in lines if not line.startswith("Django==")), "utf-8")
    session.install(f"Django~={django}.0", "-r", str(others), "-r", "tests/requirements.txt")
    session.run(
        "python", "-c", "import django, sys; print(sys.version, 'Django', django.__version__)"
    )


def run_tests(session: nox.Session, *arguments: str) -> None:
    session.run("python", "-m", "pytest", "-n", "2", "--dist", "loadfile", *arguments)


pairs = nox.parametrize("python,django", PAIRS, ids=[f"{py}-{dj}" for py, dj in PAIRS])


@nox.session
@pairs
def tests(session: nox.Session, django: str) -> None:
    """Run all tests that can differ by version, or those that the arguments name."""
    install(session, django)
    session.run("python", "manage.py", "makemigrations", "--check", "--dry-run")
    run_tests(session, *(session.posargs or [f"--ignore={each}" for each in LEFT_OUT]))


@nox.session
@pairs
def installed(session: nox.Session, django: str) -> None:
    """Build the package, install it into empty environments and follow docs/integrate.md."""
    install(session, django)
    run_tests(session, "tests/packaging", *session.posargs)


@nox.session(tags=["corners"])
@nox.parametrize("python,django", CORNERS, ids=[f"{py}-{dj}" for py, dj in CORNERS])
def corner(session: nox.Session, django: str) -> None:
    """Run a quick part of the tests with the oldest and the newest versions."""
    install(session, django)
    session.run("python", "manage.py", "makemigrations", "--check", "--dry-run")
    top = sorted(path.name for path in (ROOT / "tests").glob("test_*.py"))
    quick = [f"tests/{name}" for name in [*CORNER_FOLDERS, *top] if name not in SLOW]
    left_out = [f"--ignore=tests/{name}" for name in SLOW]
    run_tests(session, *(session.posargs or [*quick, *left_out]))
