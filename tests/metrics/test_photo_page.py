"""The page of evaluated cases is complete, safe, and usable without scripts."""

from html.parser import HTMLParser

import pytest
from PIL import Image

from tests.helpers.pictures import picture
from visualsearch.metrics.photo_page import Book, Case, Shown, Table, Thumbnails, html, write


def case(rank, category="Hats", **values):
    return Case(
        photo=Shown(picture="pictures/q.jpg", name="q.jpg"),
        answer=Shown(picture="", name="A"),
        rank=rank,
        hits=[Shown(picture="", name="B", note="0.500", right=False)],
        category=category,
        **values,
    )


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "input", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize(
    ("rank", "verdict"), [(1, "first"), (2, "near"), (5, "near"), (6, "far"), (None, "far")]
)
def test_case__verdict(rank, verdict):
    assert case(rank).verdict == verdict


def test_html__is_well_formed_and_has_no_scripts():
    book = Book(
        title="T", words=["w"], cases=[case(1), case(None, view="back")],
        tables=[Table(title="F", columns=["", "n"], rows=[["a", "1"]])],
    )  # fmt: skip
    page = Elements(html(book))
    assert page.open == []
    tags = [tag for tag, _ in page.found]
    assert "script" not in tags
    assert tags.count("caption") == 1
    assert all(attrs.get("alt") for tag, attrs in page.found if tag == "img")
    labelled = {attrs["for"] for tag, attrs in page.found if tag == "label"}
    assert labelled == {attrs["id"] for tag, attrs in page.found if tag == "input"}


def test_html__escapes_what_a_shop_calls_its_things():
    nasty = "<script>\"'&"
    shown = Shown(picture="", name=nasty, note=nasty)
    figures = Table(title=nasty, columns=[nasty], rows=[[nasty]])
    one = Case(photo=shown, answer=shown, rank=1, hits=[shown], category=nasty, view=nasty)
    made = html(Book(title=nasty, words=[nasty], tables=[figures], cases=[one]))
    assert "<script>" not in made
    assert made.count("&lt;script&gt;") >= 8


def test_html__filters_hide_other_verdicts_and_categories():
    made = html(Book(title="T", cases=[case(1), case(3, category="Shoes")]))
    assert "body:has(#v-first:checked) .case:not(.first)" in made
    assert "body:has(#c1:checked) .case:not(.c1)" in made
    assert '<li class="case near c1">' in made
    assert "in the top 5 (1)" in made


def test_html__without_cases_or_categories():
    assert "<form" not in html(Book(title="T"))
    assert "Category" not in html(Book(title="T", cases=[case(1, category="")]))


def test_html__says_right_and_wrong_in_words():
    made = html(Book(title="T", cases=[case(2)]))
    assert "</span> wrong" in made
    assert "rank 2" in made
    assert "not found" in html(Book(title="T", cases=[case(None)]))


def test_thumbnails__are_small_and_saved_once(tmp_path):
    thumbnails = Thumbnails(tmp_path)
    large = picture(1, (900, 300))
    name = thumbnails.add(large)
    assert thumbnails.add(large.copy()) == name
    assert thumbnails.add(picture(2).convert("RGBA")) != name
    with Image.open(tmp_path / name) as small:
        assert small.size == (144, 48)
    assert len(list((tmp_path / "pictures").iterdir())) == 2


def test_write(tmp_path):
    path = write(tmp_path / "a/b", Book(title="Été", cases=[case(1)]))
    assert path == tmp_path / "a/b/index.html"
    assert "<title>Été</title>" in path.read_text("utf-8")
