"""The shop's URLs, and plain pages with only the component."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.urls import path
from django.utils.html import format_html

from shop.urls import urlpatterns as shop_urls

TAGS = {
    "plain": "",
    "results": "history",
    "words": "history words",
    "compact": "compact results-url=/tag/results/",
    "dialog": "compact",
}
PAGE = """<!doctype html><html lang="{}"><head><meta charset="utf-8"><title>Shop</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><link rel="icon" href="{}">
<link rel="stylesheet" href="{}"><script type="module" src="{}"></script></head>
<body class="vs-body"><main class="vs-page"><h1>A shop</h1>
<visual-search language="{}" {}><form class="vs-form"><input type="file"></form></visual-search>
<p><button data-find-similar="{}">Find similar</button></p></main></body></html>"""


def tag_page(request: HttpRequest, kind: str) -> HttpResponse:
    """Return a page with the component; ``?language=``, and ``?picture=`` for “Find similar”."""
    language = request.GET.get("language", "en")
    return HttpResponse(
        format_html(
            PAGE,
            language,
            static("shop/favicon.svg"),
            static("visualsearch/visualsearch.css"),
            static("visualsearch/visual-search.js"),
            language,
            TAGS[kind],
            request.GET.get("picture", ""),
        )
    )


urlpatterns = [path("tag/<str:kind>/", tag_page), *shop_urls]
