"""Catalog sources of the shop."""

from typing import Any

import django_filters
from django.conf import settings
from django.db.models import Count, Q
from django.db.models.functions import Coalesce

from visualsearch.catalogs import CatalogSource, ModelCatalog
from visualsearch.facets import Ordering

from .models import Album, Article, Category, Curtain, Media, Picture, Poster, Rug


class ArticleFilter(django_filters.FilterSet):
    colour = django_filters.CharFilter()

    class Meta:
        model = Article
        fields: list[str] = []


class Articles(CatalogSource):
    """Pictures of their own and from the media library."""

    model = Article
    key = "code"
    filterset_class = ArticleFilter

    def visible(self):
        on_sale = Article.objects.filter(Q(category=None) | Q(category__on_sale=True))
        return on_sale.prefetch_related("pictures", "media")

    def images(self, item):
        if item.colour == "no pictures":
            raise KeyError("pictures")
        return [each.file for each in (*item.pictures.all(), *item.media.all())]

    def card(self, item) -> dict[str, Any]:
        if item.colour == "broken":
            raise KeyError("price")
        picture = next(iter(item.pictures.all()), None)
        # A common mistake: this fails for a bare article, which has no picture.
        image = picture.file.url if picture or item.colour == "bare" else None
        return {"key": item.code, "name": item.code, "url": item.get_absolute_url(), "image": image}

    def watched(self):
        return {
            Article: self.key_of,
            Picture: lambda picture: picture.article,
            Media: lambda media: list(media.articles.all()),
            Category: lambda category: category.article_set.all(),
        }


class PosterFilter(django_filters.FilterSet):
    colour = django_filters.CharFilter()

    class Meta:
        model = Poster
        fields: list[str] = []


class Posters(CatalogSource):
    model = Poster
    filterset_class = PosterFilter

    def images(self, item):
        return [item.file]

    def card(self, item) -> dict[str, Any]:
        return {"key": str(item.pk), "name": "", "url": "/", "image": item.file.url}


class DeclaredArticles(ModelCatalog):
    model = Article
    key = "code"
    picture = "pictures__file"
    published = {"colour": "red"}


class DeclaredMedia(ModelCatalog):
    model = Article
    key = "code"
    name = "colour"
    picture = "media__file"


class DeclaredPosters(ModelCatalog):
    model = Poster
    picture = "file"


class PersonalArticles(DeclaredMedia):
    """Cards that greet the customer; the model's pictures are those of the media library."""

    picture = "pictures__file"

    def card(self, item, request=None) -> dict[str, Any]:
        customer = request.user.get_username() if request else "nobody"
        return {**super().card(item, request), "name": f"for {customer}"}


class SiteArticles(Articles):
    """The articles whose colour is the number of the site."""

    def visible(self):
        return super().visible().filter(colour=str(settings.SITE_ID))


class ColourArticles(Articles):
    """The articles of the colour that the catalog is named after."""

    def visible(self):
        return super().visible().filter(colour=self.catalog_name)


def colour_of_request(request):
    return request.headers.get("Colour")


class LinkedArticles(ModelCatalog):
    """Articles whose picture is at a URL, in the field for the colour."""

    model = Article
    key = "code"
    picture = "colour"


class AlbumFilter(django_filters.FilterSet):
    price = django_filters.RangeFilter()
    code = django_filters.MultipleChoiceFilter(choices=[(each, each) for each in "ABC"])

    class Meta:
        model = Album
        fields: list[str] = []


class Albums(ModelCatalog):
    model = Album
    key = "code"
    picture = "cover_set__file"
    filterset_class = AlbumFilter
    orderings = [Ordering(value="shots", label="Shots", fields=("shots__pk",))]


class AlbumsByQueryName(Albums):
    picture = "cover__file"


class AlbumsOfMedia(Albums):
    picture = "shots__file"


class Rugs(CatalogSource):
    """Rugs with integers as keys, whose variants have a parent."""

    model: Any = Rug
    group = "parent"
    search_fields = ["name", "maker__name", "tags__name", "parent__name", "details__fibre"]
    out_of_stock = {"stock": 0}

    def images(self, item):
        return [item.file]

    def card(self, item) -> dict[str, Any]:
        name = item.name or "no name"
        return {"key": str(item.pk), "name": name, "url": "/", "image": item.file.url}


class Curtains(Rugs):
    """The same with UUIDs as keys."""

    model = Curtain


class DistinctRugs(Rugs):
    """Rugs that a join would list several times."""

    def visible(self):
        return Rug.objects.filter(Q(tags=None) | Q(tags__pk__gt=0)).distinct()


class CountedRugs(Rugs):
    """Rugs with figures of their related rows, in an order of their own."""

    def visible(self):
        counted = Rug.objects.annotate(tag_count=Count("tags"), variant_count=Count("variants"))
        return counted.order_by("-tag_count")


class RugFamilies(Rugs):
    """Rugs of which a parent is in the group of its variants."""

    group = "family"

    def visible(self):
        return Rug.objects.annotate(family=Coalesce("parent", "pk"))


class CountedFamilies(RugFamilies):
    def visible(self):
        return super().visible().annotate(tag_count=Count("tags")).distinct()
