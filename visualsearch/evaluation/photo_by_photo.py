"""Render an evaluation photo by photo: the right item beside the search's hits."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from .. import conf
from ..catalogs import catalog, read_file
from ..metrics.photo_page import Book, Case, Shown, Table, Thumbnails, write
from ..photos.decode import open_photo
from .labelled_photos import KINDS, Measured, Outcome


def write_page(folder: Path, measured: Measured, report: dict[str, Any]) -> Path:
    """Write a page that shows each photo of an evaluation into a folder; return its path.

    ``report``: the figures of :func:`visualsearch.evaluation.labelled_photos.report`. Small copies
    of the photos are written too: choose a folder in which these may be stored.
    """
    return write(folder, book(measured, report, Thumbnails(folder)))


def book(measured: Measured, report: dict[str, Any], thumbnails: Thumbnails) -> Book:
    """Return the contents of the page, and save small copies of its pictures."""
    shelf = Shelf(thumbnails, measured.outcomes)
    return Book(
        title="Search by photo on labelled photos",
        words=[
            f"{report['queries']} photos against {report['items']} products, encoder"
            f" {report['encoder']}, index version {measured.version}.",
            "In brackets: 95 % bootstrap interval over the photos. An interval without width means"
            " that all photos of its group had the same outcome, which is common in small groups.",
        ],
        tables=tables(report),
        cases=[case(outcome, measured.category, shelf) for outcome in measured.outcomes],
    )


def case(outcome: Outcome, category: dict[str, str], shelf: Shelf) -> Case:
    """Return one photo's entry on the page; ``category``: category by key of the right item."""
    photo = outcome.photo
    return Case(
        photo=Shown(picture=shelf.photo(photo.image), name=photo.image.name),
        answer=Shown(picture=shelf.picture(photo.item), name=shelf.name(photo.item)),
        rank=outcome.rank,
        hits=[
            Shown(
                picture=shelf.picture(hit.item, hit.image),
                name=shelf.name(hit.item),
                note=f"{hit.score:.3f}",
                right=hit.item == photo.item,
            )
            for hit in outcome.hits
        ],
        category=category.get(photo.item, ""),
        view=photo.view,
    )


class Shelf:
    """Names and small pictures of the catalog items on the page, looked up once."""

    def __init__(self, thumbnails: Thumbnails, outcomes: Iterable[Outcome]) -> None:
        self.thumbnails = thumbnails
        self.source = catalog()
        keys = {outcome.photo.item for outcome in outcomes}
        keys |= {hit.item for outcome in outcomes for hit in outcome.hits}
        self.items = self.source.by_key(keys)
        listed = self.source.by_key(keys, among=self.source.listed())
        cards = {key: self.source.card_now(item) for key, item in listed.items()}
        self.names = {key: str(card.get("name")) for key, card in cards.items()}
        self.saved: dict[tuple[str, str], str] = {}

    def photo(self, path: Path) -> str:
        """Save a small copy of a labelled photo; return the copy's path relative to the page."""
        return self.thumbnails.add(open_photo(path.read_bytes(), limits=conf.limits()).image)

    def name(self, key: str) -> str:
        """Return name and key of an item as text; only the key if the item is not visible."""
        name = self.names.get(key)
        return f"{name} ({key})" if name and name != key else key

    def picture(self, key: str, url: str = "") -> str:
        """Save a small copy of an item's picture once; return the copy's path.

        ``url``: URL of one of the item's pictures, "" for the first one. Returns "" if no picture
        can be read.
        """
        if (key, url) not in self.saved:
            self.saved[key, url] = self.copy(key, url)
        return self.saved[key, url]

    def copy(self, key: str, url: str) -> str:
        """Save a small copy of an item's picture; return the copy's path, "" if none can be read.

        Uses the picture with this URL, or the first one if the item has none with it.
        """
        if key not in self.items:
            return ""
        files = self.source.files(self.items[key])
        matched = [file for file in files if self.source.image_url(str(file.name)) == url]
        for file in (matched or files)[:1]:
            with suppress(Exception):  # storages raise errors of their own
                image = open_photo(read_file(file), limits=conf.catalog_limits()).image
                return self.thumbnails.add(image)
        return ""


def tables(report: dict[str, Any]) -> list[Table]:
    """Return tables of recall@k and mean reciprocal rank, each figure with its 95 % interval.

    The rows of the first table are ``sku`` (the right item) and ``style`` (any item of the right
    style), those of the others the categories of the items and the views of the photos ("back", for
    example). ``report``: see :func:`visualsearch.evaluation.labelled_photos.report`; its key
    ``compared``, if present, holds the result of
    :func:`visualsearch.evaluation.labelled_photos.compare_measurements` for a last table. Tables
    without rows are left out.
    """
    names = list(report["sku"])
    found = [
        Table(
            title="Recall and mean reciprocal rank",
            columns=["", *names],
            rows=[
                [kind, *cells(report[kind], report["intervals"][kind])]
                for kind in KINDS
                if report[kind]
            ],
        )
    ]
    for title, groups in (("By category", "category"), ("By view", "view")):
        if rows := report["by"][groups]:
            found.append(
                Table(
                    title=title,
                    columns=["", "photos", *names],
                    rows=[
                        [name, str(row["queries"]), *cells(row, row["intervals"])]
                        for name, row in rows.items()
                    ],
                )
            )
    if compared := report.get("compared"):
        found.append(comparison(compared))
    return found


def comparison(compared: dict[str, Any]) -> Table:
    """Return the table of a comparison by :func:`.labelled_photos.compare_measurements`."""
    rows = [
        [
            f"{kind} {name}",
            f"{compared[kind][name]:.3f}",
            f"{value:+.3f}",
            bracket(compared["interval"][kind][name]),
            f"{compared['p'][kind][name]:.4f}",
        ]
        for kind in KINDS
        for name, value in compared["difference"][kind].items()
    ]
    title = f"Difference from index version {compared['version']}, {compared['encoder']}"
    return Table(
        title=title,
        columns=["above 0: better", "other version", "difference", "95 %", "p"],
        rows=rows,
    )


def cells(figures: dict[str, Any], ends: dict[str, list[float]]) -> list[str]:
    """Return each figure with its interval as text.

    ``figures``: value by name; ``ends``: interval [low, high] by name.
    """
    return [f"{figures[name]:.3f} {bracket(ends[name])}" for name in ends]


def bracket(ends: list[float]) -> str:
    """Return an interval [low, high] as text."""
    return f"[{ends[0]:.3f}, {ends[1]:.3f}]"
