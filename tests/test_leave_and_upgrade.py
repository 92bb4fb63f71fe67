"""Follow docs/leave.md and docs/upgrade.md in a new project."""

from __future__ import annotations

import pytest

from tests.helpers.project import Project, commands

FILL = """
from django.db import connection
from yourshop.models import Product
from visualsearch.testing import picture
for n in range(4):
    product = Product.objects.create(sku=f"P{n}", name=f"Product {n}")
    product.pictures.create(file=picture(n))
"""
SEARCH = """
from visualsearch.testing import picture, search_by
found = search_by(picture(2))
print(found["results"][0]["product"]["key"], found["index_version"])
"""
LEFT = """
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from yourshop.models import Picture, Product
tables = connection.introspection.table_names()
print([name for name in tables if "visualsearch" in name])
print(ContentType.objects.filter(app_label="visualsearch").count())
print(Product.objects.count(), Picture.objects.count())
"""
# Pages that the shop needs no longer, and the files that step 3 leaves to remove.
PAGES = ("mysite/urls.py", "yourshop/admin.py", "yourshop/tests.py", "yourshop/test_search.py")
WITHOUT = """
INSTALLED_APPS += ["yourshop"]
MEDIA_URL = "media/"
MEDIA_ROOT = BASE_DIR / "media"
"""
DEPENDENT = """

class Basket(models.Model):
    query = models.ForeignKey("visualsearch.Query", models.CASCADE)
"""


@pytest.fixture
def project(tmp_path):
    """A project with four indexed products."""
    project = Project(tmp_path)
    # The test client's host; the model would find the drawn pictures alike.
    settings = tmp_path / "mysite/settings.py"
    fake = 'VISUALSEARCH["ENCODER"] = "visualsearch.encoders.fake.FakeEncoder"\n'
    more = 'ALLOWED_HOSTS = ["testserver"]\nVISUALSEARCH["ENCODER_OPTIONS"] = {}\n'
    settings.write_text(settings.read_text("utf-8") + fake + more, "utf-8")
    project.pasted["mysite/settings.py"].append(fake + more)
    project.run("manage.py", "migrate")
    project.python(FILL)
    project.run("manage.py", "visualsearch_index")
    assert project.python(SEARCH) == "P2 2"
    return project


def test_leave__step_by_step(project):
    assert (project.folder / "visualsearch-data").is_dir()
    for file in PAGES:
        project.remove(file)
    dry, delete, check, no_changes, pip = commands("leave.md")
    assert "Tables: 19" in project.shell(dry)
    assert "Nothing was deleted." in project.shell(delete, typed="no\n", fails=True)
    said = project.shell(delete, typed="yes\n")
    assert "the catalog: yourshop.visual.Catalog" in said
    assert not (project.folder / "visualsearch-data").exists()
    assert project.python(LEFT) == "[]\n0\n4 4"
    # Step 3, at first without the URLs that step 1 removes.
    project.remove("mysite/settings.py")
    settings = project.folder / "mysite/settings.py"
    settings.write_text(settings.read_text("utf-8") + WITHOUT, "utf-8")
    (project.folder / "yourshop/visual.py").unlink()
    urls = project.folder / "mysite/urls.py"
    before = urls.read_text("utf-8")
    urls.write_text(before + "\n".join(project.pasted["mysite/urls.py"]), "utf-8")
    said = project.shell(check, fails=True)
    assert 'Remove include("visualsearch.urls") from urlpatterns' in said
    urls.write_text(before, "utf-8")
    assert "no issues" in project.shell(check)
    assert "No changes detected" in project.shell(no_changes)
    assert pip == "pip uninstall --yes visualsearch"
    assert project.python(LEFT) == "[]\n0\n4 4"


def test_leave__migrations_of_the_shop_depend_on_the_app(project):
    models = project.folder / "yourshop/models.py"
    models.write_text(models.read_text("utf-8") + DEPENDENT, "utf-8")
    project.run("manage.py", "makemigrations", "yourshop")
    project.run("manage.py", "migrate")
    dry, *_ = commands("leave.md")
    assert "yourshop.0002_basket. Remove these" in project.shell(dry, fails=True)
    assert project.python(SEARCH) == "P2 2"


def test_upgrade__and_back(project):
    show, install, migrate, check, index, doctor, roll_back, unmigrate, pip = commands("upgrade.md")
    assert "[X] 0009_long_names_and_primary_reads" in project.shell(show)
    assert install == "pip install --upgrade visualsearch"
    # Go back to the tables of the release before.
    project.shell(unmigrate)
    project.shell(migrate)
    project.shell(check)
    # The release before decoded files otherwise.
    assert "4 images encoded" in project.shell(index)
    project.shell(doctor)
    assert project.python(SEARCH) == "P2 3"
    project.shell(roll_back)
    assert project.python(SEARCH) == "P2 2"
    project.shell(unmigrate)
    assert pip == 'pip install "visualsearch<0.3"'
