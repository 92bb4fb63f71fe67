import re

import pytest
from django.template import Context, RequestContext, Template
from django.utils.translation import override

from tests.helpers.busy import searches_running
from tests.helpers.pictures import picture
from tests.helpers.reindex import reindex

pytestmark = pytest.mark.django_db


def render(source, request=None, **values):
    context = RequestContext(request, values) if request else Context(values)
    return Template("{% load visualsearch %}" + source).render(context)


def attributes(html):
    """Return the attributes of a page's first component by name."""
    tag = re.search(r"<visual-search\b([^>]*)>", html).group(1)
    return dict(re.findall(r'([\w-]+)(?:="([^"]*)")?', tag))


ACCEPTED = "JPEG, PNG, WebP, GIF, BMP, AVIF"


def test_visual_search__names_its_places_and_limits(rf):
    with override("fr"):
        html = render("{% visual_search %}", rf.get("/"))
    assert attributes(html) == {
        "endpoint": "/api/visual-search/",
        "language": "fr",
        "texts": "/static/visualsearch/visual-search.fr.js",
        "limit": "12",
        "accept": ACCEPTED,
        "max-megabytes": "12",
        "words": "",
    }
    assert '<script type="module" src="/static/visualsearch/visual-search.js"></script>' in html


def test_visual_search__holds_the_form_that_needs_no_script(rf):
    html = render("{% visual_search %}", rf.get("/"))
    inside = html.split("<visual-search")[1].split("</visual-search>")[0]
    assert 'method="post" action="/search/photo/"' in inside
    assert "csrfmiddlewaretoken" in inside
    assert f"{ACCEPTED}, up to 12 MB." in inside


def test_visual_search__accepts_what_the_settings_say(rf, configure):
    configure(HEIC=True)
    assert attributes(render("{% visual_search %}", rf.get("/")))["accept"] == f"{ACCEPTED}, HEIC"


def test_visual_search__compact_is_a_link_to_the_page(rf):
    html = render("{% visual_search compact=True %}", rf.get("/"))
    assert attributes(html)["results-url"] == "/search/photo/"
    assert "compact" in attributes(html)
    assert 'href="/search/photo/"' in html
    assert "<form" not in html


def test_visual_search__options(rf):
    source = '{% visual_search history=True limit=24 photo="q1" results_url="/found/" %}'
    found = attributes(render(source, rf.get("/")))
    assert (found["limit"], found["photo"], found["results-url"]) == ("24", "q1", "/found/")
    assert "history" in found
    assert "compact" not in found


def test_visual_search__escapes_what_it_is_given(rf):
    html = render("{% visual_search photo=photo %}", rf.get("/"), photo='"><script>')
    assert '"><script>' not in html


def test_visual_search__one_script_a_page(rf):
    html = render("{% visual_search %}{% visual_search compact=True %}", rf.get("/"))
    assert html.count("<script") == 1
    assert html.count("<visual-search") == 2


def test_visual_search__in_a_template_without_a_request():
    assert "<visual-search" in render("{% visual_search %}")


@pytest.mark.parametrize("given", ["P3", "item"])
def test_similar_products__by_item_or_key(sold, given):
    reindex()
    value = sold[3] if given == "item" else given
    html = render("{% similar_products product limit=2 %}", product=value)
    assert "Similar products" in html
    assert html.count("<li>") == 2
    assert "Product P3" not in html


def test_similar_products__nothing_of_an_unknown_one(sell):
    sell("P1", picture(1))
    assert render('{% similar_products "P1" %}').strip() == ""


def test_similar_products__nothing_while_search_is_down(sold, configure):
    reindex()
    configure(MAX_QUEUE=1)
    with searches_running():
        assert render('{% similar_products "P3" %}').strip() == ""
    assert "<li>" in render('{% similar_products "P3" %}')
