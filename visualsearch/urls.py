from django.urls import path

from .web import search_page

app_name = "visualsearch"

urlpatterns = [
    path("", search_page.SearchPage.as_view(), name="search_page"),
    path("<uuid:query_id>/", search_page.earlier_address, name="result_page"),
]
