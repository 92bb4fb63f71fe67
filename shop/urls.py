from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.static import serve
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from visualsearch.contrib.health.views import LiveView, ReadyView
from visualsearch.contrib.prometheus.views import MetricsView

from . import basket, views

shop_patterns = [
    path("", views.HomeView.as_view(), name="home"),
    path("category/<str:slug>/", views.CategoryView.as_view(), name="category"),
    path("product/<int:pk>/<slug:slug>/", views.ProductView.as_view(), name="product"),
    path("basket/", basket.show, name="basket"),
    path("basket/add/<int:pk>/", basket.add, name="add"),
    path("basket/remove/<int:pk>/", basket.remove, name="remove"),
    path("basket/buy/", basket.buy, name="buy"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include((shop_patterns, "shop"))),
    path("search/photo/", include("visualsearch.urls")),
    path("api/visual-search/", include("visualsearch.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="api-docs"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
    path("health/live/", LiveView.as_view(), name="live"),
    path("health/ready/", ReadyView.as_view(), name="ready"),
    path("metrics", MetricsView.as_view(), name="metrics"),
]

handler500 = views.server_error

if settings.SERVE_MEDIA:
    urlpatterns.append(
        re_path(r"^media/(?P<path>.*)$", serve, {"document_root": settings.MEDIA_ROOT})
    )
