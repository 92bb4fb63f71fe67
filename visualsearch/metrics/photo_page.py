"""Write an HTML page that shows the results of a search or a model for each labelled photo.

The page is self-contained: ``index.html`` and small JPEGs beside it, without scripts.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from PIL import Image

SIDE = 144
QUALITY = 72
PICTURES = "pictures"
FIRST = 5
"""Number of hits shown per photo."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A picture with its name and an optional remark (``note``).

    ``picture``: path relative to the page, "" if missing, None to show text only. ``right``:
    whether it shows the right answer.
    """

    picture: str | None
    name: str
    note: str = ""
    right: bool = True


@dataclass(frozen=True, kw_only=True)
class Case:
    """One labelled photo on the page: the photo, the right answer, its rank, and the first hits.

    ``rank``: from 1, None if not found. ``category`` and ``view`` of the photo: "" if unknown.
    """

    photo: Shown
    answer: Shown
    rank: int | None
    hits: Sequence[Shown] = ()
    category: str = ""
    view: str = ""

    @property
    def verdict(self) -> str:
        """The class of the rank: "first" (1), "near" (up to :data:`FIRST`) or "far".

        These are the keys of ``Book.verdicts``.
        """
        if self.rank == 1:
            return "first"
        return "near" if self.rank is not None and self.rank <= FIRST else "far"


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of figures with a title; the first cell of a row is the row's name."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(kw_only=True)
class Book:
    """The contents of the page: title, paragraphs (``words``), tables, and photos (``cases``).

    ``verdicts``: text to show for each value of :attr:`Case.verdict`.
    """

    title: str
    words: Sequence[str] = ()
    tables: Sequence[Table] = ()
    cases: Sequence[Case] = ()
    verdicts: dict[str, str] = field(
        default_factory=lambda: {
            "first": "first result",
            "near": f"in the top {FIRST}",
            "far": "lower or not found",
        }
    )


class Thumbnails:
    """A folder of small JPEG copies beside the page; equal copies share a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / PICTURES
        self.folder.mkdir(parents=True, exist_ok=True)

    def add(self, image: Image.Image) -> str:
        """Save a small copy of an image; return the copy's path relative to the page."""
        small = image.convert("RGB")
        small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=3)
        file = io.BytesIO()
        small.save(file, "JPEG", quality=QUALITY, optimize=True)
        name = hashlib.sha256(file.getvalue()).hexdigest()[:20] + ".jpg"
        (self.folder / name).write_bytes(file.getvalue())
        return f"{PICTURES}/{name}"


def write(folder: Path, book: Book) -> Path:
    """Write the page as ``index.html`` into ``folder``, created if missing; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    path.write_text(html(book), "utf-8")
    return path


def html(book: Book) -> str:
    """Return the page with these contents as HTML."""
    categories = sorted({case.category for case in book.cases if case.category})
    numbers = {name: f"c{number}" for number, name in enumerate(categories)}
    hidden = [f"body:has(#v-{key}:checked) .case:not(.{key})" for key in book.verdicts]
    hidden += [f"body:has(#{number}:checked) .case:not(.{number})" for number in numbers.values()]
    style = STYLE + (",\n".join(hidden) + " { display: none; }\n" if book.cases else "")
    return "\n".join([
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{escape(book.title)}</title>",
        f"<style>{style}</style></head><body><main>",
        f"<h1>{escape(book.title)}</h1>",
        *(f"<p>{escape(words)}</p>" for words in book.words),
        *(table(each) for each in book.tables),
        filters(book, numbers),
        "<h2>Photos</h2>" if book.cases else "",
        '<ol class="cases">',
        *(case_item(case, book.verdicts, numbers) for case in book.cases),
        "</ol></main></body></html>\n",
    ])  # fmt: skip


def table(figures: Table) -> str:
    """Return a table as HTML, with its title as the caption."""
    head = "".join(
        f'<th scope="col">{escape(name)}</th>' if name else "<td></td>" for name in figures.columns
    )
    rows = [
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in figures.rows
    ]
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(figures.title)}"><table>'
        f"<caption>{escape(figures.title)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def filters(book: Book, numbers: dict[str, str]) -> str:
    """Return the form that filters photos by verdict and category; "" without photos.

    ``numbers``: CSS class by category.
    """
    if not book.cases:
        return ""
    counts = {key: sum(case.verdict == key for case in book.cases) for key in book.verdicts}
    choices = [
        choice("verdict", f"v-{key}", f"{words} ({counts[key]})")
        for key, words in book.verdicts.items()
    ]
    every = choice("verdict", "v-all", f"all ({len(book.cases)})", chosen=True)
    groups = f"<fieldset><legend>Correct product</legend>{every}{''.join(choices)}</fieldset>"
    if numbers:
        choices = [choice("category", number, name) for name, number in numbers.items()]
        every = choice("category", "c-all", "all", chosen=True)
        groups += f"<fieldset><legend>Category</legend>{every}{''.join(choices)}</fieldset>"
    return f'<form class="filters" aria-label="Filter the photos">{groups}</form>'


def choice(name: str, key: str, words: str, chosen: bool = False) -> str:
    """Return a radio button (``key``: its HTML id) with its label."""
    checked = " checked" if chosen else ""
    button = f'<input type="radio" name="{name}" id="{key}"{checked}>'
    return f'<label for="{key}">{button}<span>{escape(words)}</span></label>'


def case_item(case: Case, verdicts: dict[str, str], numbers: dict[str, str]) -> str:
    """Return the HTML list item of one photo; ``numbers``: CSS class by category."""
    kinds = f"case {case.verdict} {numbers.get(case.category, '')}".strip()
    rank = "not found" if case.rank is None else f"rank {case.rank}"
    facts = " · ".join(escape(fact) for fact in (case.category, case.view) if fact)
    hits = "".join(
        f'<li class="{"yes" if hit.right else "no"}">{figure(hit, marked=True)}</li>'
        for hit in case.hits
    )
    return (
        f'<li class="{kinds}"><header><b class="badge">{escape(rank)}</b> '
        f"<span>{escape(verdicts[case.verdict])}</span> <small>{facts}</small></header>"
        f'<div class="row"><div class="asked"><h3>Photo</h3>{figure(case.photo)}</div>'
        f'<div class="asked"><h3>Correct</h3>{figure(case.answer)}</div>'
        f'<div class="found"><h3>Results</h3><ol>{hits}</ol></div></div></li>'
    )


def figure(shown: Shown, marked: bool = False) -> str:
    """Return a picture with its caption as HTML; ``marked`` adds "right" or "wrong"."""
    mark = ""
    if marked:
        sign, words = ("✓", "correct") if shown.right else ("✗", "wrong")
        mark = f'<b class="mark"><span aria-hidden="true">{sign}</span> {words}</b> '
    image = "" if shown.picture is None else '<span class="none">no picture</span>'
    if shown.picture:
        image = f'<img src="{escape(shown.picture)}" alt="{escape(shown.name)}" loading="lazy">'
    note = f" <small>{escape(shown.note)}</small>" if shown.note else ""
    return f"<figure>{image}<figcaption>{mark}{escape(shown.name)}{note}</figcaption></figure>"


STYLE = """
:root { --page: #f6f8fa; --card: #fff; --ink: #1d252d; --soft: #56616c; --line: #d9dfe4;
  --good: #17693f; --bad: #a33423; --link: #1d5c96; }
@media (prefers-color-scheme: dark) {
  :root { --page: #12171c; --card: #1a2127; --ink: #e4e9ee; --soft: #a3afba; --line: #36404a;
    --good: #6fd6a0; --bad: #f59a8a; --link: #82bdf5; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 1.5rem 0 .5rem; }
h3 { font-size: .8rem; margin: 0 0 .2rem; color: var(--soft); font-weight: 600; }
p { max-width: 72ch; margin: 0 0 .6rem; }
small { color: var(--soft); font-size: .8rem; }
.wide { overflow-x: auto; margin: 1rem 0; background: var(--card); border: 1px solid var(--line);
  border-radius: 10px; padding: .4rem 1rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem;
  font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .4rem 0; }
th, td { text-align: right; padding: .3rem .5rem; border-top: 1px solid var(--line);
  font-weight: 400; white-space: nowrap; }
thead th { color: var(--soft); font-size: .8rem; border-top: 0; }
tr > :first-child { text-align: left; padding-left: 0; }
.filters { position: sticky; top: 0; background: var(--page); padding: .5rem 0; z-index: 1; }
fieldset { border: 0; margin: 0; padding: .2rem 0; display: flex; flex-wrap: wrap; gap: .4rem; }
legend { float: left; padding: .25rem .5rem .25rem 0; font-size: .85rem; color: var(--soft); }
.filters label { display: inline-flex; align-items: center; gap: .35rem; font-size: .85rem;
  border: 1px solid var(--line); border-radius: 99px; background: var(--card);
  padding: .25rem .7rem; min-height: 2rem; cursor: pointer; }
.filters label:has(:checked) { border-color: var(--link); box-shadow: inset 0 0 0 1px var(--link); }
.filters label:has(:focus-visible) { outline: 3px solid var(--link); outline-offset: 2px; }
.filters input { margin: 0; accent-color: var(--link); }
ol { list-style: none; margin: 0; padding: 0; }
.case { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: .7rem 1rem; margin-top: .7rem; }
.case header { font-size: .85rem; margin-bottom: .4rem; }
.badge { border: 1px solid currentcolor; border-radius: 6px; padding: .05rem .4rem; }
.first .badge { color: var(--good); } .near .badge, .far .badge { color: var(--bad); }
.row { display: flex; flex-wrap: wrap; gap: .6rem 1.2rem; }
.found { flex: 1 1 30rem; border-left: 1px solid var(--line); padding-left: 1.2rem; }
.found ol { display: flex; flex-wrap: wrap; gap: .6rem; }
figure { margin: 0; width: 7.5rem; font-size: .78rem; line-height: 1.3; overflow-wrap: anywhere; }
figure img, .none { display: flex; align-items: center; justify-content: center; width: 7.5rem;
  height: 7.5rem; object-fit: contain; background: var(--page); border-radius: 6px;
  border: 1px solid var(--line); color: var(--soft); }
.yes img { border: 3px solid var(--good); } .no img { border: 3px dashed var(--bad); }
.yes .mark { color: var(--good); } .no .mark { color: var(--bad); }
figcaption small { display: block; }
@media (max-width: 600px) {
  .found { border-left: 0; padding-left: 0; }
  figure, figure img, .none { width: 5.6rem; } figure img, .none { height: 5.6rem; }
  .filters { position: static; }
}
"""
