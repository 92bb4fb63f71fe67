"""The URLs of a shop that forgot those of search by photo."""

from .urls import urlpatterns as complete

urlpatterns = [complete[0], complete[2]]
