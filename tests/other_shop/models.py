"""Products with subclasses, a proxy, a media library, tags, and UUIDs as keys."""

import uuid

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.db import models


def library() -> FileSystemStorage:
    return FileSystemStorage(settings.MEDIA_ROOT, "/library/")


class Media(models.Model):
    file = models.FileField(upload_to="media", max_length=2000, storage=library)


class Category(models.Model):
    on_sale = models.BooleanField(default=True)


class Article(models.Model):
    code = models.CharField(max_length=1000, unique=True)
    colour = models.CharField(max_length=200, default="red")
    category = models.ForeignKey(Category, null=True, on_delete=models.CASCADE)
    media = models.ManyToManyField(Media, related_name="articles")

    def get_absolute_url(self) -> str:
        return f"/articles/{self.pk}/"


class Album(models.Model):
    code = models.SlugField(max_length=40, unique=True)
    price = models.IntegerField(default=0)
    shots = models.ManyToManyField(Media, through="AlbumShot")
    bundles = models.ManyToManyField("self", symmetrical=False)


class AlbumShot(models.Model):
    album = models.ForeignKey(Album, on_delete=models.CASCADE)
    media = models.ForeignKey(Media, on_delete=models.CASCADE)


class Cover(models.Model):
    """Without related_name: its attribute is cover_set, its name in queries cover."""

    album = models.ForeignKey(Album, on_delete=models.CASCADE)
    file = models.FileField(upload_to="covers")


class Featured(Article):
    class Meta:
        proxy = True


class Shoe(Article):
    size = models.IntegerField(default=40)


class Picture(models.Model):
    article = models.ForeignKey(Article, related_name="pictures", on_delete=models.CASCADE)
    file = models.FileField(upload_to="pictures", max_length=2000)


class Poster(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    colour = models.CharField(max_length=200, default="red")
    file = models.FileField(upload_to="posters")

    def get_absolute_url(self) -> str:
        return f"/posters/{self.pk}/"


class Maker(models.Model):
    name = models.CharField(max_length=200, null=True)


class Tag(models.Model):
    name = models.CharField(max_length=200, null=True)


class Ware(models.Model):
    """Something with variants, whose parent it is, and with tags."""

    name = models.CharField(max_length=200, null=True)
    parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="variants")
    maker = models.ForeignKey(Maker, null=True, on_delete=models.CASCADE)
    tags = models.ManyToManyField(Tag)
    details = models.JSONField(null=True)
    stock = models.IntegerField(null=True)
    file = models.FileField(upload_to="wares")

    class Meta:
        abstract = True


class Rug(Ware):
    pass


class Curtain(Ware):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
