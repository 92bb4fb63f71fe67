"""Test several catalogs in one database: in one process, and with settings of their own."""

from __future__ import annotations

import pytest

TWO = {"CATALOGS": "red blue"}
SEARCHES = """
def found(colour, seed, **headers):
    upload = {"image": SimpleUploadedFile("x.png", encoded(picture(seed), "PNG"))}
    client = Client(headers={"Colour": colour})
    return client.post("/api/visual-search/search/", upload).json()

def keys_in(colour, seed):
    return [each["product"]["key"] for each in found(colour, seed)["results"]]

"""


def test_two_sites__with_settings_of_their_own(run):
    sell = """
        if SITE_ID == "1":
            sell("A", 1, colour="1"), sell("B", 2, colour="2"), sell("S", 3, colour="2")
        index()
    """
    code = "import os\nSITE_ID = os.environ['SITE_ID']\n"
    for site in "12":
        run(
            code + "\n".join(line[8:] for line in sell.splitlines()),
            CATALOG="SiteArticles",
            SITE_ID=site,
        )
    found = [run("print(sorted(keys(1)))", CATALOG="SiteArticles", SITE_ID=site) for site in "12"]
    assert found == ["['A']", "['B', 'S']"]


def test_two_catalogs__each_finds_its_own(run):
    code = (
        SEARCHES
        + """
sell("A", 1, colour="red"), sell("B", 2, colour="blue"), sell("C", 3, colour="blue")
index()
print(keys_in("red", 2), sorted(keys_in("blue", 1)), keys_in(None, 3))
"""
    )
    assert run(code, **TWO) == "['A'] ['B', 'C'] ['A']"


def test_two_catalogs__a_change_reaches_the_catalogs_that_it_affects(run):
    code = (
        SEARCHES
        + """
article = sell("A", 1, colour="red")
sell("B", 2, colour="blue")
index()
article.colour = "blue"
article.save()
print(keys_in("red", 1), sorted(keys_in("blue", 1)))
article.delete()
print(keys_in("blue", 1))
Article.objects.filter(code="B").update(colour="red")
from visualsearch.signal_handlers import enqueue
enqueue(["B"])
print(keys_in("red", 2), keys_in("blue", 2))
"""
    )
    assert run(code, **TWO) == "[] ['A', 'B']\n['B']\n['B'] []"


def test_two_catalogs__queries_and_keys_are_apart(run):
    code = (
        SEARCHES
        + """
from visualsearch.models import Query, Storefront
from visualsearch.catalogs import using_catalog
sell("A", 1, colour="red"), sell("B", 2, colour="blue")
index()
answer = found("red", 1)
address = f"/api/visual-search/queries/{answer['query_id']}/"
statuses = [Client(headers={"Colour": each}).get(address).status_code for each in ("red", "blue")]
with using_catalog("red"):
    red = Storefront(name="red")
    key = red.new_key()
    red.save()
upload = lambda: {"image": SimpleUploadedFile("x.png", encoded(picture(1), "PNG"))}
for colour in ("red", "blue"):
    headers = {"Colour": colour, "X-Api-Key": key}
    sent = Client(headers=headers).post("/api/visual-search/search/", upload())
    statuses.append(sent.status_code)
print(statuses, Query.objects.count(), Query.everywhere.count())
Query.erase()
print(Query.everywhere.count())
"""
    )
    assert run(code, **TWO) == "[200, 404, 200, 401] 2 2\n0"


def test_two_catalogs__versions_and_runs_are_apart(run):
    code = (
        SEARCHES
        + """
from visualsearch.models import IndexVersion, Run
from visualsearch.catalogs import using_catalog
sell("A", 1, colour="red"), sell("B", 2, colour="blue")
index()
call_command("visualsearch_index", "--all", "--catalog", "blue", verbosity=0, stdout=io.StringIO())
for name in ("red", "blue"):
    with using_catalog(name):
        states = sorted(IndexVersion.objects.values_list("state", flat=True))
        print(name, states, Run.objects.count())
said = io.StringIO()
call_command("visualsearch_check", stdout=said)
print(said.getvalue().count("No drift."), "Catalog red" in said.getvalue())
"""
    )
    assert run(code, **TWO) == "red ['active'] 1\nblue ['active', 'retired'] 2\n2 True"


def test_two_catalogs__an_index_that_is_loading_is_not_replaced_by_that_of_the_other(run):
    code = (
        SEARCHES
        + """
from visualsearch.catalogs import using_catalog
from visualsearch.serving import loaded_versions
sell("A", 1, colour="red"), sell("B", 2, colour="blue")
index()
loaded_versions.unload_all()
print(keys_in("red", 1), keys_in("blue", 1))
"""
    )
    assert run(code, **TWO) == "['A'] ['B']"


def test_two_catalogs__the_admin_shows_the_chosen_one(run):
    code = (
        SEARCHES
        + """
from django.contrib.auth.models import User
sell("A", 1, colour="red"), sell("B", 2, colour="blue")
index()
staff = Client()
staff.force_login(User.objects.create(username="a", is_staff=True, is_superuser=True))
embeddings = "/admin/visualsearch/embedding/"
def shown():
    page = staff.get(embeddings).content.decode()
    return [key for key, name in (("A", "/1.png"), ("B", "/2.png")) if name in page]
before = shown()
choice = staff.post("/admin/visualsearch/indexversion/catalog/", {"catalog": "blue"})
print(before, choice.status_code, shown(), staff.get(choice.url).status_code)
print(staff.post("/admin/visualsearch/indexversion/catalog/", {"catalog": "x"}).status_code)
print([each["product"]["key"] for each in found(None, 1)["results"]])
"""
    )
    assert run(code, **TWO) == "['A'] 302 ['B'] 200\n404\n['A']"


def test_command__unknown_catalog(run):
    code = """
        from django.core.management.base import CommandError
        try:
            call_command("visualsearch_index", "--catalog", "green")
        except CommandError as error:
            print(error)
    """
    assert run(code, **TWO) == "There is no catalog 'green'. Use one of: red, blue."


@pytest.mark.parametrize(
    ("language", "name"), [("fr", "fr"), ("de-at", "de"), ("en", None), ("pt-br", "pt-br")]
)
def test_by_language(settings, language, name):
    from django.utils import translation

    from visualsearch.middleware import by_language

    names = dict.fromkeys(("fr", "de", "pt-br"), "tests.other_shop.visual.Articles")
    settings.VISUALSEARCH = settings.VISUALSEARCH | {"CATALOGS": names}
    with translation.override(language):
        assert by_language(None) == name  # type: ignore[arg-type]


@pytest.mark.parametrize(("host", "name"), [("shop.example", "shop-example"), ("x.example", None)])
def test_by_site(settings, rf, host, name):
    from visualsearch.middleware import by_site

    names = {"shop-example": "tests.other_shop.visual.Articles"}
    settings.VISUALSEARCH = settings.VISUALSEARCH | {"CATALOGS": names}
    settings.ALLOWED_HOSTS = ["*"]
    assert by_site(rf.get("/", headers={"Host": f"{host}:8000"})) == name


def test_two_catalogs__exports_have_the_searches_of_their_own(run):
    code = (
        SEARCHES
        + """
from django.contrib.auth.models import User

sell("A", 1, colour="red"), sell("B", 2, colour="blue")
index()
found("blue", 1), found("blue", 2)
owner = Client()
owner.force_login(User.objects.create_superuser("owner"))
for colour in ("red", "blue"):
    address = "/admin/visualsearch/query/insights/searches.csv"
    export = owner.get(address, headers={"Colour": colour})
    print(b"".join(export).count(b"\\n") - 1)
"""
    )
    assert run(code, **TWO) == "0\n2"
