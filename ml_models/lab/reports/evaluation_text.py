"""Format an evaluation report as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def bracket(ends: Sequence[float] | None) -> str:
    """Return an interval as text, “[0.880, 0.940]”, or an empty string."""
    return f"[{ends[0]:.3f}, {ends[1]:.3f}]" if ends else ""


def table(report: dict[str, Any]) -> str:
    """Return an evaluation report as text, for the terminal.

    ``report``: result of :func:`.evaluation.evaluate`.
    """
    ends = report["intervals"]
    lines = [
        f"{report['model']}: accuracy {report['accuracy']:.3f} on {report['photos']} photos,"
        f" {bracket(ends.get('accuracy'))} (95 % intervals)"
    ]
    if report["parents_accuracy"] != report["accuracy"]:
        lines.append(
            f"finer classes as their parents: accuracy {report['parents_accuracy']:.3f}"
            f" {bracket(ends.get('parents_accuracy'))}"
        )
    for label, row in report["per_class"].items():
        both = ends["per_class"][label]
        lines.append(
            f"  {label:<12} recall {row['recall']} {bracket(both.get('recall'))}"
            f"  precision {row['precision']} {bracket(both.get('precision'))}"
        )
    if report["ece"] is not None:
        lines.append(f"calibration error {report['ece']:.3f}")
    cost = report["resources"]
    for batch, took in cost["latency_ms"].items():
        lines.append(f"latency p50 {took['p50']} ms, p95 {took['p95']} ms an image, {batch} a call")
    lines.append(f"load {cost['load_ms']} ms, peak memory {cost['peak_memory_mb']} MB")
    lines.append(f"size {report['size_bytes'] / 1e6:.2f} MB")
    for name, rows in report.get("robustness", {}).items():
        lines.append(name)
        for title, key in (("level", "level"), ("accuracy", "accuracy"), ("cosine", "similarity")):
            lines.append(f"  {title:<9}" + "".join(f"{row[key]:>8.4g}" for row in rows))
    if found := report.get("retrieval"):
        lines += retrieval_lines(found)
    if found := report.get("instances"):
        lines += instances_lines(found)
    if found := report.get("against"):
        lines += against_lines(found)
    return "\n".join(lines)


def retrieval_lines(found: dict[str, Any]) -> list[str]:
    """Return lines on retrieval: each metric, with its interval below.

    ``found``: ``retrieval`` of an evaluation report.
    """
    lines = [f"{found['queries']} queries against {found['items']} products"]
    rows = [(kind, found[kind], found["intervals"][kind]) for kind in ("sku", "style")]
    rows += [(view, row, row["intervals"]) for view, row in found["by"]["view"].items()]
    for name, row, ends in rows:
        if ends:
            figures = "  ".join(f"{key} {row[key]:<8.3f}" for key in ends)
            lines.append(f"  {name:<6} {figures}".rstrip())
            lines.append(" " * 9 + "  ".join(f"{bracket(both):<17}" for both in ends.values()))
    return [line.rstrip() for line in lines]


def against_lines(found: dict[str, Any]) -> list[str]:
    """Return lines on the paired test against another package.

    ``found``: ``against`` of an evaluation report.
    """
    lines = [f"against {found['model']}: above 0, this one is better"]
    for name, value in found["difference"].items():
        lines.append(
            f"  {name:<17} there {found['figures'][name]:.3f}  {value:+.3f}"
            f" {bracket(found['interval'][name])}  p {found['p'][name]:.4f}"
        )
    return lines


def instances_lines(found: dict[str, Any]) -> list[str]:
    """Return lines on distorted photos and photos in clutter.

    ``found``: ``instances`` of an evaluation report.
    """
    lines = [f"{found['queries']} photos, distorted, among {found['gallery']}"]
    for name, metrics in found["distortions"].items():
        figures = "  ".join(f"{key} {value:.3f}" for key, value in metrics.items())
        lines.append(f"  {name:<20} {figures}")
    for row in found["clutter_with_subject"]:
        lines.append(f"clutter, {row['share']:.0%} of the area")
        for title, key in (("whole photo", "whole"), ("its subject", "subject")):
            if row[key]:
                figures = "  ".join(f"{name} {value:.3f}" for name, value in row[key].items())
                lines.append(f"  {title:<20} {figures}")
    return lines
