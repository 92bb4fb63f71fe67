from django.urls import path

from . import views

app_name = "visualsearch"

urlpatterns = [
    path("", views.SearchPage.as_view(), name="search_page"),
    path("<uuid:query_id>/", views.earlier_address, name="result_page"),
]
