from django.urls import path

from . import views

app_name = "visualsearch-api"

urlpatterns = [
    path("search/", views.SearchView.as_view(), name="search"),
    path("classify/", views.ClassifyView.as_view(), name="classify"),
    path("products/<str:key>/similar/", views.SimilarView.as_view(), name="similar"),
    path("queries/<str:query_id>/", views.QueryView.as_view(), name="query"),
]
