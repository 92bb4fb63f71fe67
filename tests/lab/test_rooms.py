"""The lab's rooms import only lower rooms, never a verb, and never in a circle."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / "ml_models" / "lab"
PACKAGE = "ml_models.lab"
# The rooms that each room may import. A verb, a module with a command at the top of the lab, may
# import all rooms, but no other verb.
ALLOWED = {
    "photos": set(),
    "drawing": {"photos"},
    "networks": {"photos"},
    "training": {"photos", "drawing", "networks"},
    "quantising": {"photos", "networks"},
    "measuring": {"photos"},
    "packages": {"photos", "networks", "measuring"},
    "benchmarking": {"photos", "networks", "training", "measuring"},
    "reports": {"photos", "training", "measuring"},
}
# Modules at the top that are no verbs, and that everybody may import.
SHARED = {"exceptions"}


def name_of(path):
    """Return the dotted name of a module within the lab."""
    return ".".join(path.relative_to(LAB).with_suffix("").parts)


MODULES = {name_of(path): path for path in LAB.rglob("*.py") if path.name != "__init__.py"}
VERBS = {name for name in MODULES if "." not in name} - SHARED


def imported(name):
    """Return the lab's modules that a module imports, in functions too."""
    path, found = MODULES[name], set()
    package = f"{PACKAGE}.{name}".split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parents = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*parents, *filter(None, [node.module])])
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    inner = {target.removeprefix(f"{PACKAGE}.") for target in found}
    return inner & set(MODULES)


def room_of(name):
    """Return the room of a module; an empty string at the top of the lab."""
    return name.rpartition(".")[0]


def circle(graph):
    """Return modules that import each other in a circle, or an empty list."""
    done = set()

    def visit(name, path):
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        found = next(filter(None, (visit(each, [*path, name]) for each in graph[name])), [])
        done.add(name)
        return found

    return next(filter(None, (visit(name, []) for name in sorted(graph))), [])


def test_rooms__are_those_of_the_table():
    assert {room_of(name) for name in MODULES} - {""} == set(ALLOWED)


@pytest.mark.parametrize("room", ALLOWED)
def test_rooms__say_what_they_hold(room):
    text = (LAB / room / "__init__.py").read_text("utf-8")
    assert ast.get_docstring(ast.parse(text))
    assert len(ast.parse(text).body) == 1, "a room exports nothing itself"


@pytest.mark.parametrize("name", sorted(set(MODULES) - VERBS))
def test_imports__only_lower_rooms_and_no_verb(name):
    targets = imported(name) - SHARED
    assert not targets & VERBS
    if name in SHARED:
        assert not targets
    else:
        rooms = {room_of(target) for target in targets} - {room_of(name)}
        assert rooms <= ALLOWED[room_of(name)], f"{name} imports {sorted(targets)}"


@pytest.mark.parametrize("name", sorted(VERBS))
def test_verbs__import_no_other_verb_and_run_as_commands(name):
    assert not imported(name) & VERBS
    assert 'if __name__ == "__main__":' in MODULES[name].read_text("utf-8")


def test_imports__no_circle():
    assert not circle({name: imported(name) for name in MODULES})


def test_circle__is_found():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert not circle({"a": {"b", "c"}, "b": {"c"}, "c": set()})
