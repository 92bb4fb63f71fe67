"""Benchmark search by photo against its bare parts (the floor) and against other servers.

    python -m benchmarks.search [--quick] [--only in_process,stack,…] [--photos FOLDER]
                                [--soak SECONDS] [--out FOLDER]

Measures, on this machine and with the same photos, catalogs, model and index: the floor (decode,
one model call, one index look-up; no Django), our search in process, our REST API without and with
Redis, and peer servers. Needs benchmarks/requirements.txt; each peer gets its own virtual
environment on first use. Run nothing else meanwhile. Results are merged into ``search.json``, so
that sections can be measured again one by one.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.search import indexing, photos, sections, variants, worker
from benchmarks.search.figures import machine
from benchmarks.search.places import HOME, USUAL_CATALOG
from benchmarks.search.plots import draw
from benchmarks.search.report import markdown
from benchmarks.search.sections import Plan, write_json

SECTIONS: dict[str, Callable[[Plan], Any]] = {
    "in_process": sections.in_process,
    "openvino": sections.openvino,
    "floor": sections.floor,
    **{name: sections.server(name) for name in variants.STARTERS},
    **worker.SECTIONS,
    "indexing": indexing.measure,
}

QUICK: dict[str, Any] = {
    "sizes": (1_000, USUAL_CATALOG),
    "megapixels": ("0.3", "4"),
    "pairs": 36,
    "single": 36,
    "floor_block": 12,
    "connections": (1, 8),
    "saturated_s": 4.0,
    "soak_s": 10.0,
    "memory_searches": 500,
    "starts": 2,
    "pictures": 300,
}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.search",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="a few minutes, for smoke tests")
    parser.add_argument("--only", metavar="A,B", help=f"any of {', '.join(SECTIONS)}")
    parser.add_argument("--skip", default="", metavar="A,B", help="all but these")
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="real photos to resample")
    parser.add_argument("--soak", type=float, metavar="SECONDS", help="length of the soak")
    parser.add_argument("--out", type=Path, default=HOME / "out", metavar="FOLDER")
    args = parser.parse_args()
    args.only = args.only.split(",") if args.only else list(SECTIONS)
    args.skip = args.skip.split(",") if args.skip else []
    if unknown := {*args.only, *args.skip} - SECTIONS.keys():
        parser.error(f"unknown sections: {', '.join(sorted(unknown))}")
    return args


def main(args: argparse.Namespace) -> int:
    """Measure each section and write the report; return 1 if a section failed.

    A failing section does not stop the others.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "search.json"
    results: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    results["machine"] = machine()
    plan = Plan(photos=photos.made(args.photos))
    plan = replace(plan, **QUICK) if args.quick else plan
    plan = replace(plan, soak_s=args.soak) if args.soak else plan
    results["photos"] = described(plan, args.photos)
    failed = []
    for name in [each for each in SECTIONS if each in args.only and each not in args.skip]:
        print(name, flush=True)
        try:
            results[name] = SECTIONS[name](plan)
            results.setdefault("measured", {})[name] = machine() | {"quick": args.quick}
        except Exception:
            print(f"{name} failed", file=sys.stderr)
            traceback.print_exc()
            failed.append(name)
            results.pop(name, None)
        write_json(path, results)
    text = markdown(results)
    (args.out / "search.md").write_text(text, "utf-8")
    draw(results, args.out)
    print(text)
    return 1 if failed else 0


def described(plan: Plan, source: Path | None) -> dict[str, Any]:
    """Return source, count and mean kilobytes of the photos.

    ``source``: folder of real photos, or None.
    """
    kb = {
        size: round(sum(os.path.getsize(path) for path in paths) / len(paths) / 1000)
        for size, paths in plan.photos.items()
    }
    return {
        "source": "real, resampled" if source else "the demo's, with a sensor's noise",
        "count": photos.COUNT,
        "kb": kb,
    }


if __name__ == "__main__":
    try:
        sys.exit(main(parse_args()))
    except KeyboardInterrupt:
        sys.exit("stopped")
