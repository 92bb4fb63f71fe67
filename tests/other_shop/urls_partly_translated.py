"""Pages with the visitor's language in front, and an API without it."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("api/visual-search/", include("visualsearch.api.urls")),
    *i18n_patterns(
        path("admin/", admin.site.urls),
        path("search/photo/", include("visualsearch.urls")),
    ),
]
