"""All URLs of search by photo; include them before those of oscar."""

from django.urls import include, path

from . import thumbnails

own = [path("<path:signed>", thumbnails.thumbnail, name="thumbnail")]

urlpatterns = [
    path("search/photo/", include("visualsearch.urls")),
    path("search/photo/thumbnails/", include((own, "visualsearch-oscar"))),
    path("api/visual-search/", include("visualsearch.api.urls")),
    path("dashboard/visual-search/", include("visualsearch.contrib.oscar.dashboard.urls")),
]
