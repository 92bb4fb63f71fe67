from django.urls import path

from ..web.installed import require_app

require_app("visualsearch.api.urls")

from . import batch, status, views  # noqa: E402 (their models need the app)

app_name = "visualsearch-api"

urlpatterns = [
    path("search/", views.SearchView.as_view(), name="search"),
    path("batch/", batch.BatchView.as_view(), name="batch"),
    path("classify/", views.ClassifyView.as_view(), name="classify"),
    path("products/<path:key>/similar/", views.SimilarView.as_view(), name="similar"),
    path("queries/<str:query_id>/", views.QueryView.as_view(), name="query"),
    path("events/", views.EventView.as_view(), name="events"),
    path("status/", status.StatusView.as_view(), name="status"),
]
