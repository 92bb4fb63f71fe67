"""The customers' pages alone, without the admin."""

from django.urls import include, path

urlpatterns = [
    path("search/photo/", include("visualsearch.urls")),
    path("api/visual-search/", include("visualsearch.api.urls")),
]
