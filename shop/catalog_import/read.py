"""Read and validate a catalog CSV as a whole, without writing to the database."""

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.db.models import CharField
from django.utils.text import slugify
from PIL import Image

from shop.models import Category, Product

REQUIRED = ("sku", "name", "category", "image")
TEXTS = ("style", "gender", "color", "material", "pattern")
COLUMNS = (*REQUIRED, "price", *TEXTS, "stock", "images")

MAX_PIXELS = 64_000_000
MAX_STOCK = 2_147_483_647
# Formats that every browser shows, with the suffix that gives the right content type.
SUFFIXES = {
    "JPEG": ".jpg",
    "MPO": ".jpg",  # what phones call a JPEG with a second picture in it
    "PNG": ".png",
    "WEBP": ".webp",
    "GIF": ".gif",
}

Progress = Callable[[list[tuple[int, list[str]]]], Iterable[tuple[int, list[str]]]]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """An error in the file that the user must fix.

    `line` counts from 1, with the header; `column` is empty if the error concerns the whole line.
    """

    line: int
    column: str
    text: str

    def __str__(self) -> str:
        where = f"line {self.line}" + (f", column {self.column}" if self.column else "")
        return f"{where}: {self.text}"


@dataclass(frozen=True, kw_only=True)
class CatalogImage:
    path: Path
    suffix: str


@dataclass(frozen=True, kw_only=True)
class CatalogRow:
    """One product of the file; `values` holds only fields for which the file has a column."""

    sku: str
    category: str
    values: dict[str, str | Decimal | int | None]
    images: tuple[CatalogImage, ...]


@dataclass(kw_only=True)
class Catalog:
    rows: list[CatalogRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    # Without the column, further pictures that were added by hand are kept.
    has_images_column: bool = False


class Rejected(ValueError):
    """Invalid value; the text says how to fix it."""


def read_catalog(path: Path, progress: Progress = lambda lines: lines) -> Catalog:
    """Read and validate a catalog CSV; return its valid rows, all problems and notes.

    `progress` wraps the lines, for a progress bar.
    """
    catalog = Catalog()
    try:
        lines = list(numbered_records(path))
    except UnicodeDecodeError:
        catalog.problems.append(
            Problem(line=1, column="", text="The file is not in UTF-8. Save it as “CSV UTF-8”.")
        )
        return catalog
    except csv.Error as error:
        text = (
            f"This is not a CSV file ({error}). Save it as “CSV UTF-8”, with commas as separators."
        )
        catalog.problems.append(Problem(line=1, column="", text=text))
        return catalog
    if not lines:
        catalog.problems.append(Problem(line=1, column="", text="The file is empty."))
        return catalog
    header = [name.strip().lower() for name in lines[0][1]]
    judge_header(header, catalog)
    if catalog.problems:
        return catalog
    reader = RowReader(header, path.resolve().parent)
    for line, record in progress(lines[1:]):
        row, problems = reader.read(line, record)
        catalog.problems += problems
        if row:
            catalog.rows.append(row)
    return catalog


def numbered_records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, fields) of each record that is not empty.

    `line` is the record's first line: a quoted field may contain line breaks.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        line = 1
        for record in reader:
            if any(value.strip() for value in record):
                yield line, record
            line = reader.line_num + 1


def judge_header(header: list[str], catalog: Catalog) -> None:
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        text = (
            f"The first line lacks {', '.join(missing)}. It must name the columns "
            f"{', '.join(REQUIRED)} and price, separated by commas."
        )
        catalog.problems.append(Problem(line=1, column="", text=text))
    twice = sorted({name for name in header if name in COLUMNS and header.count(name) > 1})
    if twice:
        text = f"The first line names {', '.join(twice)} twice. Keep one of each."
        catalog.problems.append(Problem(line=1, column="", text=text))
    if "price" not in header:
        catalog.notes.append("The column price is missing: new products get the price 0.")
    unused = sorted({name for name in header if name and name not in COLUMNS})
    if unused:
        catalog.notes.append(f"Unused columns: {', '.join(unused)}.")
    catalog.has_images_column = "images" in header


class RowReader:
    """Converts records to rows; remembers SKUs, to find duplicates, and decoded pictures.

    `folder`: where paths of pictures start.
    """

    def __init__(self, header: list[str], folder: Path) -> None:
        self.header = header
        self.folder = folder
        self.first_line: dict[str, int] = {}
        self.images: dict[str, CatalogImage | Rejected] = {}

    def read(self, line: int, record: list[str]) -> tuple[CatalogRow | None, list[Problem]]:
        if len(record) < len(self.header) or any(record[len(self.header) :]):
            text = (
                f"The row has {len(record)} fields, but the first line names "
                f"{len(self.header)}. Put a value with a comma in double quotes."
            )
            return None, [Problem(line=line, column="", text=text)]
        cells = {
            name: value.strip()
            for name, value in zip(self.header, record, strict=False)
            if name in COLUMNS
        }
        problems: list[Problem] = []

        def judge(column: str, read: Callable[[str], Any]) -> Any:
            try:
                if "\x00" in cells[column]:
                    raise Rejected("A NUL character cannot be stored. Remove it.")
                return read(cells[column])
            except Rejected as error:
                problems.append(Problem(line=line, column=column, text=str(error)))
                return None

        judge("sku", lambda value: self.read_sku(value, line))
        readers: dict[str, Callable[[str], Any]] = {"price": read_price, "stock": read_stock}
        readers |= {name: text_reader(name) for name in ("name", *TEXTS)}
        values = {name: judge(name, reader) for name, reader in readers.items() if name in cells}
        judge("category", read_category)
        image = judge("image", self.read_image)
        further = judge("images", self.read_images) if "images" in cells else None
        if problems:
            return None, problems
        return CatalogRow(
            sku=cells["sku"],
            category=cells["category"],
            values=values,
            images=tuple(dict.fromkeys([image, *(further or [])])),  # drops duplicates
        ), []

    def read_sku(self, value: str, line: int) -> str:
        if value in self.first_line:
            raise Rejected(
                f"{quoted(value)} is already on line {self.first_line[value]}. "
                "Give each product its own SKU."
            )
        sku = text_reader("sku")(value)
        self.first_line[sku] = line
        return sku

    def read_images(self, value: str) -> list[CatalogImage]:
        return [self.read_image(part.strip()) for part in value.split("|") if part.strip()]

    def read_image(self, value: str) -> CatalogImage:
        if value not in self.images:
            try:
                self.images[value] = read_image(value, self.folder)
            except Rejected as error:
                self.images[value] = error
        found = self.images[value]
        if isinstance(found, Rejected):
            raise found
        return found


def quoted(value: str) -> str:
    return f"“{value if len(value) <= 80 else value[:79] + '…'}”"


def text_reader(name: str) -> Callable[[str], str]:
    model_field = Product._meta.get_field(name)
    assert isinstance(model_field, CharField)
    longest, blank = model_field.max_length or 0, model_field.blank

    def read(value: str) -> str:
        if not value and not blank:
            raise Rejected(f"Empty. Every product needs a {name}.")
        if len(value) > longest:
            raise Rejected(f"Too long: {len(value)} characters. Shorten it to {longest}.")
        return value

    return read


def read_category(value: str) -> str:
    longest = Category._meta.get_field("name").max_length or 0
    if not value:
        raise Rejected("Empty. Every product needs a category.")
    if len(value) > longest:
        raise Rejected(f"Too long: {len(value)} characters. Shorten it to {longest}.")
    if not category_slug(value):
        raise Rejected(f"{quoted(value)} has no letter or digit. Give the category a name.")
    return value


def category_slug(name: str) -> str:
    """Return the slug of a category name; names with equal slugs are one category."""
    return slugify(name, allow_unicode=True)


def read_price(value: str) -> Decimal:
    hint = "Write an amount such as 12.50, without a currency or thousands separator."
    try:
        price = Decimal(value)
    except InvalidOperation:
        raise Rejected(f"{quoted(value)} is not a price. {hint}") from None
    if not price.is_finite():
        raise Rejected(f"{quoted(value)} is not a price. {hint}")
    if price < 0:
        raise Rejected(f"{quoted(value)} is negative. Write 0 or more.")
    if price >= 10**8:
        raise Rejected(f"{quoted(value)} is too high. Write less than 100,000,000.")
    if price != round(price, 2):
        raise Rejected(f"{quoted(value)} has fractions of a cent. Write two decimals.")
    return abs(round(price, 2))


def read_stock(value: str) -> int | None:
    if not value:
        return None
    if not (value.isascii() and value.isdigit()) or len(value) > 10 or int(value) > MAX_STOCK:
        raise Rejected(
            f"{quoted(value)} is not a stock count. Write a whole number from 0, or nothing."
        )
    return int(value)


def read_image(value: str, folder: Path) -> CatalogImage:
    """Return the picture at the path `value`, relative to `folder`.

    Raises Rejected if it is missing, outside the folder, damaged or too large.
    """
    if not value:
        raise Rejected("Empty. Every product needs a picture.")
    try:
        path = (folder / value).resolve()
        outside = Path(value).is_absolute() or not path.is_relative_to(folder)
        missing = not outside and not path.is_file()
    except (OSError, RuntimeError):  # name too long, symlink loop
        outside, missing = False, True
    if outside:
        raise Rejected(
            f"{quoted(value)} is outside the catalog's folder. "
            "Move the picture into that folder and write its path relative to the CSV."
        )
    if missing:
        raise Rejected(
            f"File {quoted(value)} not found. Paths are relative to the CSV's folder and use “/”."
        )
    return CatalogImage(path=path, suffix=SUFFIXES[decoded_format(path, value)])


def decoded_format(path: Path, value: str) -> str:
    try:
        # Pillow opens MPO files as JPEG and has no opener named MPO.
        with Image.open(path, formats=[name for name in SUFFIXES if name != "MPO"]) as image:
            name, pixels = image.format or "", image.width * image.height
            if pixels <= MAX_PIXELS:
                image.draft("RGB", (256, 256))  # reads the whole file at a fraction of the cost
                image.load()
    except Exception as error:  # decoders raise almost any exception for a broken file
        raise Rejected(
            f"{quoted(value)} cannot be read as a picture. "
            "Save it again as a JPEG, PNG, WebP or GIF file."
        ) from error
    if pixels > MAX_PIXELS:
        raise Rejected(
            f"{quoted(value)} has {pixels / 1e6:.0f} million pixels. "
            f"Shrink it to {MAX_PIXELS / 1e6:.0f} million."
        )
    return name
