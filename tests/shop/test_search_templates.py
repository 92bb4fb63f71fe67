"""The shop's templates of the search page."""

from types import SimpleNamespace

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils.translation import override

pytestmark = pytest.mark.django_db


def hit(key="A", **card):
    card = {"key": key, "name": f"Name {key}", "url": f"/{key}/", "image": f"/{key}.jpg"} | card
    card = {"price": "20.00", "category": "Bags", "color": "red"} | card
    return SimpleNamespace(card=card, score=0.7312, image=card["image"])


def result(**values):
    return SimpleNamespace(
        **{
            "hits": [hit()],
            "matched": True,
            "count": 1,
            "query_id": "q1",
            "took_ms": {"decode": 3.2, "total": 24.6},
            "warnings": [],
            **values,
        }
    )


@pytest.fixture
def page(rf: RequestFactory):
    def render(**context) -> str:
        defaults = {"error": None, "accepted": "JPEG, PNG", "max_megabytes": 12}
        context = {**defaults, "preview": None, "next_url": None, "previous_url": None, **context}
        request = rf.get("/search/photo/")
        return render_to_string("visualsearch/search.html", context, request)

    return render


def test_page__before_a_search(page):
    html = page()
    assert 'type="file" name="image"' in html
    assert "AVIF, up to 12 MB." in html
    assert "Your photo is not stored." in html
    assert "For the best results" in html
    assert "Maison Lumen" in html


def test_page__error(page):
    html = page(error={"code": "image_corrupt", "detail": "The photo is <damaged>."})
    assert 'role="alert"' in html
    assert 'data-code="image_corrupt"' in html
    assert "The photo is &lt;damaged&gt;." in html
    assert 'aria-invalid="true"' in html
    assert "<title>Error: Search by photo" in html


def test_page__hits(page):
    html = page(
        result=result(hits=[hit("A"), hit("B")], count=2), preview="data:image/jpeg;base64,x"
    )
    assert "Products like your photo" in html
    assert "2 products, closest first" in html
    assert 'src="data:image/jpeg;base64,x"' in html
    for text in ("Name A", "/A/", "/A.jpg", "€20.00", "Name B"):
        assert text in html
    assert "Try another photo" in html


def test_page__similarity_is_not_shown(page):
    html = page(result=result())
    for text in ("0.73", "73%", "73 %", "73&nbsp;%", "73\xa0%"):
        assert text not in html


def test_page__classes_of_the_photo(page):
    chips = [
        {"label": "Bag", "percent": 83, "chosen": True, "url": "?category=bag"},
        {"label": "Everything", "percent": None, "chosen": False, "url": "?all=1"},
    ]
    html = page(result=result(), chips=chips)
    assert "83&nbsp;%" in html
    assert '<rect width="83"' in html
    assert 'href="?category=bag" aria-current="true"' in html
    assert 'href="?all=1"' in html


def test_page__nothing_matches_well(page):
    html = page(result=result(matched=False))
    assert "Nothing in the shop matches your photo well" in html
    assert "Products like your photo" not in html
    assert "The closest we have" in html
    assert "Name A" in html


def test_page__no_hits_at_all(page):
    html = page(result=result(hits=[], count=0, matched=False))
    assert "No products to show" in html
    assert "come closest" not in html


def test_page__picture_that_matched_comes_before_the_card_s(page):
    found = hit("A")
    found.image = "/back.jpg"
    html = page(result=result(hits=[found]))
    assert "/back.jpg" in html
    assert "/A.jpg" not in html


def test_page__other_pages(page):
    html = page(result=result(), next_url="?page=3&a=1", previous_url="?page=1")
    assert 'rel="next" href="?page=3&amp;a=1"' in html
    assert 'rel="prev" href="?page=1"' in html


def test_page__warnings(page):
    assert "Index is old" in page(result=result(warnings=["Index is old"]))


def test_page__card_of_little(page):
    bare = SimpleNamespace(card={"key": "A", "name": "N", "url": "/A/"}, score=1.0, image=None)
    assert "None" not in page(result=result(hits=[bare]))


def test_page__in_french(page):
    with override("fr"):
        html = page(result=result(count=2))
    assert "Produits qui ressemblent à votre photo" in html
    assert "2 produits, les plus ressemblants d’abord" in html
    assert "20,00\u00a0€" in html


def test_page__alone_without_the_shop(page, settings):
    templates = settings.TEMPLATES[0] | {"DIRS": []}
    order = [app for app in settings.INSTALLED_APPS if app != "shop"]
    settings.INSTALLED_APPS = [*order, "shop"]
    settings.TEMPLATES = [templates]
    html = page(result=result())
    assert "vs-body" in html
    assert "vs-card" in html
    assert "Maison Lumen" not in html
