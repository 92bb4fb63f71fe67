from django.urls import URLPattern, path, reverse_lazy
from oscar.views.decorators import permissions_required

from ..permissions import PERMISSIONS
from . import figures, runs

app_name = "visualsearch-dashboard"


def page(route: str, view: object, name: str) -> URLPattern:
    """Return the URL of a page for users with its permissions; others are sent to the login."""
    guard = permissions_required(PERMISSIONS[name], login_url=reverse_lazy("dashboard:login"))
    return path(route, guard(view), name=name)


urlpatterns = [
    page("", runs.overview_page, "overview"),
    page("reindex/", runs.reindex, "reindex"),
    page("runs/<int:pk>/progress/", runs.run_progress, "progress"),
    page("runs/<int:pk>/<slug:control>/", runs.control, "control"),
    page("insights/", figures.insights_page, "insights"),
    page("vain/", figures.vain_page, "vain"),
    page("vain.csv", figures.vain_csv, "vain_csv"),
    page("vain/<uuid:pk>.jpg", figures.photo, "photo"),
    page("insights/<slug:name>.csv", figures.export, "export"),
]
