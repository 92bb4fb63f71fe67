"""Tools for the tests of shops; the tests of docs/integrate.md run in a new project."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.files.base import ContentFile
from django.test import Client
from PIL import Image

from shop.models import Product
from tests.helpers.project import Project
from visualsearch import conf
from visualsearch.serving import loaded_versions
from visualsearch.testing import index_catalog, isolated_index, picture, search_by


def keys(photo, **filters):
    return [each["product"]["key"] for each in search_by(photo, **filters)["results"]]


def test_isolated_index__is_another_folder_and_needs_no_service(configure):
    configure(
        USE_CELERY=True, REDIS_URL="redis://127.0.0.1:1/0", INDEX="visualsearch.indexes.milvus.X"
    )
    before = dict(django_settings.VISUALSEARCH)
    with isolated_index(PREDICTIONS=2):
        folder = Path(conf.get("DATA_DIR"))
        assert folder.is_dir()
        assert str(folder) != before["DATA_DIR"]
        assert (conf.get("USE_CELERY"), conf.get("REDIS_URL")) == (False, "")
        assert conf.get("INDEX") == conf.DEFAULTS["INDEX"]
        assert conf.get("PREDICTIONS") == 2
        assert conf.get("CATALOG") == before["CATALOG"]
    assert not folder.exists()
    assert before == django_settings.VISUALSEARCH


@pytest.mark.django_db
@isolated_index()
def test_isolated_index__decorates_a_function(sell):
    sell("A", Image.open(picture(1)))
    assert keys(picture(1)) == ["A"]


@pytest.mark.django_db
def test_isolated_index__unloads_before_and_after(sell, monkeypatch):
    unloaded = []
    monkeypatch.setattr(loaded_versions, "unload_all", lambda: unloaded.append(True))
    with isolated_index():
        assert len(unloaded) == 1
    assert len(unloaded) == 2


@pytest.mark.django_db
def test_search_by__any_kind_of_photo(sold, tmp_path):
    index_catalog()
    photo = picture(5)
    (tmp_path / "photo.jpg").write_bytes(photo.read())
    Product.objects.get(sku="P3").images.all().delete()
    Product.objects.get(sku="P3").images.create(image=photo, position=0)
    field = Product.objects.get(sku="P3").images.get().image
    paths = tmp_path / "photo.jpg", str(tmp_path / "photo.jpg")
    data = paths[0].read_bytes()
    for each in (photo, field, *paths, data, Image.open(paths[0]), ContentFile(data, "x")):
        assert keys(each)[0] == "P3"
    assert keys(photo)[0] == "P3"  # a file can be sent again


@pytest.mark.django_db
def test_search_by__filters_client_and_refusals(sold, configure):
    index_catalog()
    configure(REQUIRE_API_KEY=True)
    assert len(keys(picture(1), limit=3)) == 3
    assert set(keys(picture(1), max_price=12)) == {"P0", "P1", "P2"}
    assert keys(picture(1), q="P5")[0] == "P5"
    assert keys(picture(1), q="P5", words="filter") == ["P5"]
    used = []

    class Counting(Client):
        def post(self, *args, **kwargs):
            used.append(args)
            return super().post(*args, **kwargs)

    search_by(picture(1), client=Counting())
    assert len(used) == 1
    with pytest.raises(AssertionError, match="unsupported_image"):
        search_by(b"no picture")


@pytest.mark.django_db
def test_index_catalog__counts_images(sold):
    assert index_catalog() == {"encoded": 8, "unchanged": 0, "removed": 0, "failed": 0}
    assert index_catalog()["unchanged"] == 8


def test_picture__by_its_seed():
    assert picture(1).read() == picture(1).read() != picture(2).read()
    assert Image.open(picture(1, size=(30, 40))).size == (30, 40)
    assert Image.open(picture()).format == "JPEG"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("project"))


def test_documented__with_djangos_runner(project):
    said = project.run("manage.py", "test", "yourshop.tests")
    assert "Ran 3 tests" in said
    assert said.rstrip().endswith("Destroying test database for alias 'default'...")


def test_documented__with_pytest(project):
    said = project.run("-m", "pytest", "-q", "--ds=mysite.settings", "yourshop/test_search.py")
    assert "1 passed" in said
