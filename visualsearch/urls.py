from django.urls import path

from .web.installed import require_app

require_app("visualsearch.urls")

from .web import search_page  # noqa: E402 (its models need the app)

app_name = "visualsearch"

urlpatterns = [
    path("", search_page.SearchPage.as_view(), name="search_page"),
    path("<uuid:query_id>/", search_page.earlier_address, name="result_page"),
]
