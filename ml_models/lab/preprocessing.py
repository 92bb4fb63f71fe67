"""Measure whether changing photos before the model helps, such as white balance.

    python -m ml_models.lab.preprocessing --model DIR --data VALIDATION
        [--catalog NAME=CATALOG,QUERIES]

Each change is applied to all photos, both queries and catalog. Accuracy is measured on ``--data``,
also with changed light, and retrieval on each catalog. In a second experiment only catalog pictures
are encoded twice, unchanged and changed, and the two embeddings are added.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from visualsearch.encoders.base import Encoding
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.photos.decode import open_photo

from .measuring.classification import labelled_photos
from .measuring.parent_classes import ParentEncoder
from .measuring.retrieval import named_catalog, retrieval, retrieval_figures, search
from .photos.random_distortions import distorted

# Target mean luma of exposure, 0…255, and the greatest factor of a pixel.
MIDDLE, MOST_GAIN = 118.0, 2.5
# Order of the norm in shades of grey.
NORM = 6
# Percentage of pixels at each end that contrast ignores.
CUT_OFF = 1.0

# Margin that "middle" cuts off on each side, as a share of the photo.
EDGE = 0.12

Change = Callable[[Image.Image], Image.Image]


def unchanged(image: Image.Image) -> Image.Image:
    return image


def full_contrast(image: Image.Image) -> Image.Image:
    """Stretch brightness to the range from black to white; keep hues."""
    return ImageOps.autocontrast(image, CUT_OFF, preserve_tone=True)


def exposure(image: Image.Image) -> Image.Image:
    """Multiply all pixels so that the mean brightness is medium (118 of 255)."""
    mean = float(np.asarray(image.convert("L")).mean())
    gain = float(np.clip(MIDDLE / max(mean, 1.0), 1 / MOST_GAIN, MOST_GAIN))
    return scaled_channels(image, [gain] * 3)


def white_balance(image: Image.Image) -> Image.Image:
    """Scale each channel so that the three have the same norm of order 6.

    Source: Finlayson and Trezzi, "Shades of gray and colour constancy" (2004).
    """
    pixels = np.asarray(image, np.float64).reshape(-1, 3)
    norms = np.maximum((pixels**NORM).mean(0) ** (1 / NORM), 1.0)
    return scaled_channels(image, (norms.mean() / norms).tolist())


def equalised(image: Image.Image) -> Image.Image:
    """Spread brightness evenly over all levels (histogram equalisation of the luma)."""
    luma, *chroma = image.convert("YCbCr").split()
    return Image.merge("YCbCr", (ImageOps.equalize(luma), *chroma)).convert("RGB")


def padded(image: Image.Image) -> Image.Image:
    """Pad a photo to a square with its border's mean colour, to keep its aspect ratio."""
    pixels = np.asarray(image)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    red, green, blue = border.mean(0).round().astype(int).tolist()
    return ImageOps.pad(image, (max(image.size),) * 2, color=(red, green, blue))


def middle(image: Image.Image) -> Image.Image:
    """Cut off 12 % of the photo on each side."""
    (width, height), keep = image.size, 1 - EDGE
    return image.crop(
        (round(EDGE * width), round(EDGE * height), round(keep * width), round(keep * height))
    )


def scaled_channels(image: Image.Image, gains: Sequence[float]) -> Image.Image:
    """Multiply each channel of an RGB image by its gain; clip at 255."""
    levels = np.arange(256)
    table = np.concatenate([(levels * gain).clip(0, 255).round() for gain in gains])
    return image.point(table.astype(int).tolist())


CHANGES: dict[str, Change] = {
    "as it is": unchanged,
    "contrast": full_contrast,
    "exposure": exposure,
    "white balance": white_balance,
    "equalised": equalised,
    "padded to a square": padded,
}
# Changes for the second encoding of catalog pictures.
SECOND_LOOKS: dict[str, Change] = {"mirrored": ImageOps.mirror, "its middle": middle}


class Changed(ParentEncoder):
    """An encoder that applies ``change`` to each photo first.

    Finer classes count as their coarser class.
    """

    def __init__(self, package: str, change: Change) -> None:
        super().__init__(package)
        self.change = change

    def encode(self, images: Sequence[Image.Image]) -> Encoding:
        """Encode the changed images."""
        return super().encode([self.change(image) for image in images])


class SeenTwice(Changed):
    """An encoder that adds the embeddings of a photo and of the changed photo."""

    def encode(self, images: Sequence[Image.Image]) -> Encoding:
        """Encode images; probabilities are those of the changed image."""
        first = OnnxEncoder.encode(self, images).embeddings
        second = super().encode(images)
        both = first + second.embeddings
        both /= np.linalg.norm(both, axis=1, keepdims=True)
        return Encoding(embeddings=both, probabilities=second.probabilities)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="folder with model.json")
    parser.add_argument("--data", type=Path, required=True, help="photos: a subfolder per class")
    parser.add_argument(
        "--catalog",
        type=named_catalog,
        action="append",
        default=[],
        metavar="NAME=CATALOG,QUERIES",
        help="a catalog and its labelled queries (CSV); repeatable",
    )
    parser.add_argument("--limit", type=int, metavar="N", help="at most N photos per class")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


def accuracies(encoder: OnnxEncoder, photos: Sequence[tuple[Path, int]]) -> dict[str, float]:
    """Return ``accuracy`` on the photos, and in ``changed_light`` on relit ones, 0…1.

    ``photos``: (path, class index).
    """
    right = {"accuracy": 0, "changed_light": 0}
    for path, label in photos:
        image = open_photo(path.read_bytes()).image
        views = {"accuracy": image, "changed_light": distorted(image, "light")}
        for name, view in views.items():
            right[name] += int(encoder.encode([view]).probabilities[0].argmax() == label)
    return {name: round(count / len(photos), 4) for name, count in right.items()}


def preprocessing(
    model: Path,
    data: Path,
    catalogs: Sequence[tuple[str, tuple[Path, Path]]],
    limit: int | None = None,
) -> dict[str, dict[str, Any]]:
    """Return accuracy and retrieval for each change, by its name.

    ``data``: a folder with a subfolder per class. ``catalogs``: name and two CSV files, catalog and
    queries, ``image,sku[,style][,view]``. ``limit``: photos per class at most. In each result,
    ``catalogs`` has recall@k and MRR by sku for each catalog.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, change in CHANGES.items():
        encoder = Changed(str(model), change)
        photos = labelled_photos(data, encoder.labels, limit, encoder.package.parents)
        found[name] = accuracies(encoder, photos) | {
            "catalogs": {each: retrieval(encoder, *paths)["sku"] for each, paths in catalogs}
        }
    plainly = ParentEncoder(str(model))
    for name, change in SECOND_LOOKS.items():
        twice = SeenTwice(str(model), change)
        found[f"catalog alone: and {name}"] = {
            "catalogs": {
                each: retrieval_figures(search(plainly, *paths, sold_by=twice))["sku"]
                for each, paths in catalogs
            }
        }
    return found


def table(report: dict[str, dict[str, Any]]) -> str:
    """Format the result of :func:`preprocessing` as a Markdown table, a row per change."""
    catalogs = list(next(iter(report.values()))["catalogs"])
    head = ["change", "class right", "in other light"]
    head += [f"{name} @1 / @5 / @10" for name in catalogs]
    lines = [f"| {' | '.join(head)} |", "|---|" + "--:|" * (len(head) - 1)]
    for name, row in report.items():
        shares = [row.get(key) for key in ("accuracy", "changed_light")]
        cells = [name, *("" if share is None else f"{share:.3f}" for share in shares)]
        for each in catalogs:
            recall = [row["catalogs"][each][f"recall@{k}"] for k in (1, 5, 10)]
            cells.append(" / ".join(f"{share:.3f}" for share in recall))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Print accuracy and recall for each change of the photos, as a Markdown table or JSON."""
    args = parse_args(argv)
    report = preprocessing(args.model, args.data, args.catalog, args.limit)
    print(json.dumps(report) if args.json else table(report))


if __name__ == "__main__":
    main()
