"""Imports follow the rooms: the core at the bottom, the Django shell above it, the shop on top.

A room is a package or a module directly in ``visualsearch/``.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "visualsearch"

# A room may import rooms of lower floors only.
FLOORS = [
    {"batched", "class_names", "exceptions", "facets", "metrics", "signals"},
    {"photos"},
    {"encoders", "conf"},
    {"indexes", "catalogs"},
    {"models", "broker", "middleware", "redis_client"},
    {"serving"},
    {"search"},
    {"search_queue", "evaluation", "events"},
    {"versions", "web", "templatetags"},
    {"reindex", "analytics", "api", "checks", "urls"},
    {"tasks", "signal_handlers", "admin", "doctor"},
    {"management", "apps", "contrib", "testing"},
]
# These neither import Django nor a room that does.
CORE = {"exceptions", "metrics", "photos", "encoders", "indexes"}
# The one module of the core that needs the shop's database connection.
WITH_DATABASE = "indexes.pgvector"
# Modules of other rooms that import no Django.
PURE = {"analytics.statistics", "analytics.sequential_verdicts", "admin.charts"}

MOST_MODULES = 16


@cache
def modules() -> dict[str, Path]:
    """Return the files of visualsearch by dotted name; a package's name stands for its init."""
    found = {}
    for path in sorted(APP.rglob("*.py")):
        parts = list(path.relative_to(APP).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        if parts and parts[0] != "migrations":
            found[".".join(parts)] = path
    return found


def imported(path: Path) -> set[str]:
    """Return the absolute names that a file imports, ``from a import b`` as ``a.b``."""
    package = path.parent.relative_to(ROOT).parts
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package[: len(package) - node.level + 1]
                base = ".".join([*parents, base]).rstrip(".")
            names |= {f"{base}.{alias.name}" for alias in node.names}
    return names


def inner(path: Path) -> set[str]:
    """Return the modules of visualsearch that a file imports, without the app's name."""
    found = set()
    for name in imported(path):
        name = name.removeprefix("visualsearch.") if name.startswith("visualsearch.") else ""
        while name and name not in modules():
            name = name.rpartition(".")[0]
        if name:
            found.add(name)
    return found


def floor(room: str) -> int:
    return next(level for level, rooms in enumerate(FLOORS) if room in rooms)


def test_rooms__each_has_a_floor():
    assert {name.split(".")[0] for name in modules()} == set().union(*FLOORS)


def test_rooms__few_modules_stand_alone():
    assert len([path for path in APP.glob("*.py") if path.name != "__init__.py"]) <= MOST_MODULES


@pytest.mark.parametrize("room", sorted(each.parent.name for each in APP.glob("*/__init__.py")))
def test_rooms__say_what_they_hold(room):
    if room != "migrations":
        assert ast.get_docstring(ast.parse((APP / room / "__init__.py").read_text("utf-8")))


@pytest.mark.parametrize("name", sorted(modules()))
def test_imports__only_downwards(name):
    room = name.split(".")[0]
    for target in inner(modules()[name]):
        other = target.split(".")[0]
        assert other == room or floor(other) < floor(room), f"{name} imports {target}"


def test_imports__no_circles():
    left = {name: inner(path) - {name} for name, path in modules().items()}
    # An __init__ may import its own modules, which then need not wait for it.
    left = {
        name: {t for t in targets if not name.startswith(f"{t}.")} for name, targets in left.items()
    }
    while free := {name for name, targets in left.items() if not targets & left.keys()}:
        left = {name: targets for name, targets in left.items() if name not in free}
    assert not left


@pytest.mark.parametrize(
    "name", sorted(name for name in modules() if name.split(".")[0] in CORE or name in PURE)
)
def test_imports__core_knows_no_django(name):
    outside = {target.split(".")[0] for target in imported(modules()[name])}
    assert name == WITH_DATABASE or not outside & {"django", "rest_framework"}
    for target in inner(modules()[name]):
        assert target.split(".")[0] in CORE or target in PURE, f"{name} imports {target}"


@pytest.mark.parametrize("name", sorted(modules()))
def test_imports__app_knows_neither_shop_nor_lab(name):
    assert not {"shop", "ml_models"} & {each.split(".")[0] for each in imported(modules()[name])}


def test_imports__lab_knows_only_the_core():
    for path in (ROOT / "ml_models").rglob("*.py"):
        assert not {"django", "shop"} & {each.split(".")[0] for each in imported(path)}
        assert {each.split(".")[0] for each in inner(path)} <= CORE, path


def test_imports__shop_touches_the_app_in_few_places():
    published = {"admin", "catalogs", "class_names", "contrib", "events", "exceptions", "facets"}
    published.add("signal_handlers")
    for path in (ROOT / "shop").rglob("*.py"):
        rooms = {each.split(".")[0] for each in inner(path)}
        assert rooms <= published, path
