"""Imports follow the layers: core, Django shell, entry points; the shop is on top."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "visualsearch"

CORE = {
    "photos", "formats", "av1", "containers", "origins", "fetching",
    "small", "exceptions", "metrics", "resampling", "casebook", "results", "subject",
    "statistics", "verdicts", "tuning", "admin.plots",
    "encoders.base", "encoders.cells", "encoders.fake", "encoders.focus",
    "encoders.known_answers", "encoders.onnx", "encoders.package", "encoders.parts",
    "encoders.preprocess",
    "indexes.base", "indexes.exact", "indexes.faiss", "indexes.fitting", "indexes.milvus",
    "indexes.places", "indexes.structures",
}  # fmt: skip
# A module may import from its own layer and lower ones.
LAYERS = [
    {"exceptions", "formats", "metrics", "resampling", "statistics", "verdicts"},
    {"batches", "processes"},
    {"signals", "photos", "av1", "containers", "origins", "encoders", "indexes"},
    {"fetching", "subject", "small", "results", "casebook", "tuning"},
    {"conf", "classes"},
    {"models", "catalogs", "facets"},
    {"categories", "callers", "events"},
    {"index_files", "encoding", "wanted", "processors"},
    {"live"},
    {"ranking", "relay"},
    {"looking"},
    {"searching"},
    {"evaluation", "jobs", "worker"},
    {"fits"},
    {"versions", "evaluation_cases"},
    {"indexing"},
    {"scopes", "runs", "drift"},
    {"tasks", "keeping"},
    {"dispatch"},
    {"signal_handlers", "checks", "api", "links", "views", "templatetags"},
    {"overview", "insights", "comparison", "admin", "urls", "management", "apps"},
    {"contrib"},
]
OUTSIDE = {"migrations"}


def modules() -> dict[str, Path]:
    """Return the files of visualsearch by dotted name."""
    return {
        ".".join(path.relative_to(APP).with_suffix("").parts): path
        for path in sorted(APP.rglob("*.py"))
        if path.name != "__init__.py" and path.relative_to(APP).parts[0] not in OUTSIDE
    }


def imported(path: Path, package: str) -> set[str]:
    """Return the absolute names that a file imports, ``from a import b`` as ``a.b``."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base]).rstrip(".")
            names |= {f"{base}.{alias.name}" for alias in node.names}
    return names


def package_of(name: str) -> str:
    return ".".join(["visualsearch", *name.split(".")[:-1]])


def layer(name: str) -> int:
    return next(level for level, names in enumerate(LAYERS) if name.split(".")[0] in names)


@pytest.mark.parametrize("name", sorted(modules()))
def test_imports__only_downwards(name):
    for target in imported(modules()[name], package_of(name)):
        assert not target.startswith(("shop", "ml_models")), f"{name} imports {target}"
        if target.startswith("visualsearch."):
            inner = target.removeprefix("visualsearch.")
            assert layer(inner) <= layer(name), f"{name} imports {target}"


@pytest.mark.parametrize("name", sorted(CORE))
def test_imports__core_knows_no_django(name):
    names = imported(modules()[name], package_of(name))
    assert not [target for target in names if target.split(".")[0] in ("django", "rest_framework")]
    inner = {n.removeprefix("visualsearch.") for n in names if n.startswith("visualsearch.")}
    for target in inner:
        parts = target.split(".")
        assert parts[0] in CORE or ".".join(parts[:2]) in CORE, f"{name} imports {target}"


def test_imports__lab_knows_only_the_core():
    for path in (ROOT / "ml_models").rglob("*.py"):
        package = ".".join(path.parent.relative_to(ROOT).parts)
        for target in imported(path, package):
            assert not target.startswith(("django", "shop"))
            if target.startswith("visualsearch."):
                assert target.split(".")[1] in (
                    "photos",
                    "encoders",
                    "indexes",
                    "metrics",
                    "resampling",
                    "casebook",
                    "exceptions",
                    "subject",
                )


def test_imports__shop_touches_the_app_in_few_places():
    for path in (ROOT / "shop").rglob("*.py"):
        package = ".".join(path.parent.relative_to(ROOT).parts)
        for target in imported(path, package):
            if target.startswith("visualsearch."):
                assert target.split(".")[1] in (
                    "admin",
                    "catalogs",
                    "contrib",
                    "dispatch",
                    "exceptions",
                    "facets",
                    "signal_handlers",
                )
