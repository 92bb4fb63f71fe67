"""Compare two model packages: write a page, and the new package's model card.

    python -m ml_models.lab.report --before DIR --after DIR [--also DIR] --data VALIDATION
        --instances TRAIN --catalog NAME=CATALOG.csv,QUERIES.csv --notes NOTES.toml --out FOLDER

Writes a self-contained ``report.html``, and ``README.md`` with small PNG files beside it.
Measurements are cached in ``--cache``, so that changed notes need no new ones.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import tomllib
from pathlib import Path
from typing import Any

import jinja2
import onnxruntime

from visualsearch.encoders.onnx import OnnxEncoder

from .measuring import classification
from .measuring.evaluation import evaluate
from .measuring.retrieval import named_catalog, retrieval
from .reports import comparison_plots, markdown
from .reports.comparison_tables import Commands, view

TEMPLATES = Path(__file__).parent / "reports" / "templates"
Catalogs = dict[str, tuple[Path, Path]]


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", type=Path, required=True, metavar="DIR", help="the old package")
    parser.add_argument("--after", type=Path, required=True, metavar="DIR", help="the new package")
    parser.add_argument(
        "--also", type=Path, action="append", default=[], metavar="DIR", help="others; repeatable"
    )
    parser.add_argument("--data", type=Path, required=True, help="photos: a subfolder per class")
    parser.add_argument(
        "--instances", type=Path, action="append", required=True, metavar="FOLDER",
        help="photos to fill the gallery in which --data is searched; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--catalog",
        type=named_catalog,
        action="append",
        default=[],
        metavar="NAME=CATALOG,QUERIES",
        help="two CSV files of image,sku[,style]; repeatable",
    )
    parser.add_argument("--notes", type=Path, metavar="TOML", help="texts of page and card")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument(
        "--cache", type=Path, metavar="FOLDER", help="of measurements; default: OUT/measured"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="at most N photos per class")
    return parser.parse_args(argv)


def measure_all(model: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Return all measurements of the package in the folder ``model``, as for the command evaluate.

    Add ``catalogs``, retrieval by catalog name; ``package``, its description; and ``machine``.
    """
    encoder = OnnxEncoder(model)
    package = encoder.package
    measured = classification.measure(model, args.data, args.limit)
    return evaluate(model, measured, distort=True, others=args.instances) | {
        "catalogs": {name: retrieval(encoder, *paths) for name, paths in args.catalog},
        "machine": machine(),
        "package": {
            "name": f"{package.id} {package.version}",
            "file": package.model.path.name,
            "sha256": package.model.sha256,
            "input": [package.input.size, package.input.layout, package.input.dtype],
            "outputs": list(package.outputs),
            "labels": package.labels,
            "dim": package.embedding_dim,
            "threshold": package.match_threshold,
        },
    }


def cached_measures(model: Path, args: argparse.Namespace, cache: Path) -> dict[str, Any]:
    """Return all measurements of the package in the folder ``model``.

    They are cached in the folder ``cache``, by package and options.
    """
    asked = [args.data, args.instances, args.catalog, args.limit]
    described = (model / "model.json").read_bytes()
    digest = hashlib.sha256(described + repr(asked).encode()).hexdigest()[:8]
    path = cache / f"{OnnxEncoder(model).id}-{digest}.json"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(measure_all(model, args), indent=1) + "\n")
    report: dict[str, Any] = json.loads(path.read_text())
    return report


def machine() -> str:
    """Return the processor's name and the version of ONNX Runtime."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(": ")[1] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name}, ONNX Runtime {onnxruntime.__version__}"


def shown(path: Path) -> str:
    """Return the last two parts of a path, as the report shows it."""
    return "/".join(path.parts[-2:])


def commands(args: argparse.Namespace) -> Commands:
    """Return the command lines that measure a package, by kind of result.

    The kinds are ``evaluate``, ``robustness`` and others; ``DIR`` stands for the package's folder.
    ``args``: the arguments of this command.
    """
    evaluated = f"python -m ml_models.lab.evaluate --model DIR --data {shown(args.data)}"
    evaluated += f" --limit {args.limit}" if args.limit else ""
    others = "".join(f" --instances {shown(path)}" for path in args.instances)
    return {
        "evaluate": evaluated,
        "robustness": f"{evaluated} --robustness",
        "instances": evaluated + others,
    } | {
        name: f"{evaluated} --catalog {shown(sold)} --queries {shown(asked)}"
        for name, (sold, asked) in args.catalog
    }


def pictures(before: Any, after: Any) -> dict[str, Any]:
    """Return the page's plots as data URIs, each for a light and a dark page.

    ``before``, ``after``: measurements of the two packages.
    """
    themed = comparison_plots.themed
    return {
        "robustness": {
            name: themed(comparison_plots.one_curve(name, before, after))
            for name in after["robustness"]
        },
        "reliability": themed(comparison_plots.plot_reliability(before, after)),
        "clutter": [
            themed(comparison_plots.plot_clutter(before, after, key))
            for key in ("accuracy", "recall@1")
        ],
    }


def render(template: str, **values: Any) -> str:
    """Render a template of ``reports/templates``; escape values in HTML, not in Markdown."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=template.endswith(".html"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = markdown.cell
    environment.filters["text"] = markdown.html
    environment.filters["spans"] = markdown.spans
    return environment.get_template(template).render(**values)


def main(argv: list[str] | None = None) -> None:
    """Compare model packages: write an HTML report, and the model card with its pictures.

    Only packages without cached measurements are measured.
    """
    args = parse_args(argv)
    notes = tomllib.loads(args.notes.read_text("utf-8")) if args.notes else {}
    folders = [args.before, args.after, *args.also]
    reports = [
        cached_measures(folder, args, args.cache or args.out / "measured") for folder in folders
    ]
    values = view(reports, commands(args), notes)
    before, after = reports[:2]
    args.out.mkdir(parents=True, exist_ok=True)
    comparison_plots.write_pictures(before, after, args.out)
    (args.out / "README.md").write_text(render("card.md", **values), "utf-8")
    page = render("report.html", **values, pictures=pictures(before, after))
    (args.out / "report.html").write_text(page, "utf-8")
    print(f"{args.out} holds README.md, its three pictures, and report.html")


if __name__ == "__main__":
    main()
