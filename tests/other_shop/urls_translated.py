"""All addresses with the visitor's language in front."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path

from .urls import urlpatterns as plain

urlpatterns = [
    path("i18n/", include("django.conf.urls.i18n")),
    *i18n_patterns(*plain),
]
