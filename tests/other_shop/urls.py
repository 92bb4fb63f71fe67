from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("search/photo/", include("visualsearch.urls")),
    path("api/visual-search/", include("visualsearch.api.urls")),
]
