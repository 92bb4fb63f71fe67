"""Words and groups with other keys, relations and querysets than those of the sample shop."""

from __future__ import annotations

import pytest

from .conftest import database_of

CATALOGS = ["Rugs", "Curtains", "DistinctRugs", "CountedRugs", "RugFamilies", "CountedFamilies"]

SHOP = """
from visualsearch.catalogs import catalog
wool, soft, unnamed = [Tag.objects.create(name=name) for name in ("wool", "soft", None)]
mill = Maker.objects.create(name="Loom and Sons")

def ware(name, seed, tags=(), **values):
    made = catalog().model.objects.create(name=name, file=file(seed), **values)
    made.tags.set(tags)
    return made

berber = ware("Berber", 1, maker=mill, stock=0)
runner = ware("Runner", 2, [soft, unnamed], parent=berber, details={"fibre": "jute"})
no_name = ware(None, 3, [wool, unnamed], parent=berber)
mat = ware("Mat", 4, [wool, soft], maker=Maker.objects.create())
kilim = ware("Kilim", 5)
index()

def names(seed, **query):
    return [each["product"]["name"] for each in search(seed, **query)["results"]]

def groups(found):
    return sorted(
        sorted([hit["product"]["name"], *(each["name"] for each in hit["variants"])])
        for hit in found["results"]
    )

"""


def group_of(catalog: str) -> tuple[int, str]:
    """Return how many groups a catalog has, and the group of the runner."""
    if catalog.endswith("Families"):
        return 3, "['Berber', 'Runner', 'no name']"
    return 4, "['Runner', 'no name']"


def settings_for(request, where: str) -> dict[str, str] | None:
    """Return the Django settings of the shop for a database, None for SQLite."""
    if where == "postgresql":
        return {"DATABASES": database_of(request.getfixturevalue("postgres"))}
    return None


@pytest.fixture(params=["sqlite", "own database", "postgresql"])
def shop(request, run):
    """A function that runs code in a shop of wares with this database."""
    where = request.param

    def run_in(code: str, catalog: str) -> list[str]:
        own = {"SHOP_DATABASE": "1"} if where == "own database" else {}
        return run(SHOP + code, settings_for(request, where), CATALOG=catalog, **own).splitlines()

    return run_in


@pytest.mark.parametrize("catalog", CATALOGS)
def test_words_and_groups(shop, catalog):
    code = """
found = search(2)
(group,) = [each for each in groups(found) if "Runner" in each]
print(found["count"], len(found["results"]), group)
print(search(2, collapse="0")["count"])
print(groups(search(5, q="wool soft", words="filter", collapse="0")))
print(groups(search(5, q="wool", words="filter", collapse="0")))
print(groups(search(5, q="berber", words="filter", collapse="0")))
print(groups(search(5, q="loom", words="filter", collapse="0")))
print(groups(search(5, q="jute", words="filter", collapse="0")))
print(search(5, q="berber", words="filter")["count"])
print(names(5, q="wool soft", collapse="0")[0], names(5, q="nothing", collapse="0")[0])
similar = Client().get(f"/api/visual-search/products/{runner.pk}/similar/").json()["results"]
print("no name" in [each["product"]["name"] for each in similar])
print([each.name for each in catalog().sold_out()])
from visualsearch.search.words import described, most_described, wanted_by
wanted = wanted_by("soft wool", catalog()).conditions
keys = [str(each.pk) for each in (mat, runner, kilim)]
met = described(catalog(), catalog().visible(), wanted, keys)
print([met[key] for key in keys])
print(sorted(most_described(catalog(), catalog().visible(), wanted, 9).values()))
"""
    count, group = group_of(catalog)
    families = catalog.endswith("Families")
    assert shop(code, catalog) == [
        f"{count} {count} {group}",
        "5",
        "[['Mat']]",
        "[['Mat'], ['no name']]",
        "[['Berber'], ['Runner'], ['no name']]",
        "[['Berber']]",
        "[['Runner']]",
        "1" if families else "2",
        "Mat Kilim",
        "False",
        "['Berber']",
        "[2, 1, 0]",
        "[1, 1, 2]",
    ]


DOCTOR = """
import io, json
from contextlib import suppress
from unittest.mock import patch
from django.core.management import call_command
from visualsearch.doctor import words_and_groups
NAMES = ("group", "search_fields", "colours", "out_of_stock")

def said():
    out = io.StringIO()
    with suppress(SystemExit):
        call_command("visualsearch_doctor", "--json", stdout=out)
    for each in json.loads(out.getvalue())["findings"]:
        if each["name"] in NAMES:
            print(each["name"], each["detail"] if each["ok"] else "WRONG " + each["remedy"])
"""


def test_doctor__tells_what_it_found(shop):
    words = "name, maker__name, tags__name, parent__name, details__fibre"
    found = shop(DOCTOR + "said()", "Rugs")
    assert found[0] == "group 1 groups by parent, at most 2 items."
    assert found[1].startswith(f"search_fields {words}")
    assert found[2:] == ["out_of_stock 1 items are out of stock."]


def test_doctor__names_the_line_to_change(run):
    code = """
with patch.object(words_and_groups, "MOST_MEMBERS", 1), patch.multiple(
    type(catalog()), colours={"night": "blue"}, search_fields=["title"], out_of_stock={"left": 0}
):
    said()
"""
    group, fields, colours, stock = run(SHOP + DOCTOR + code, CATALOG="Rugs").splitlines()
    assert group.startswith("group WRONG Set group in Rugs to a field that only variants")
    assert fields == "search_fields WRONG Correct search_fields of Rugs."
    assert colours == "colours WRONG Correct colours of Rugs."
    assert stock == "out_of_stock WRONG Correct out_of_stock of Rugs."


def test_doctor__wants_an_index_on_postgresql(run, postgres):
    code = """
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import connection
index = GinIndex(SearchVector("name", config="english"), name="product_words")
words_and_groups.MANY = 4
NAMES = ("search_fields",)
with patch.object(type(catalog()), "search_fields", ["name", "tags__name"]):
    said()
    with connection.schema_editor() as editor:
        editor.add_index(Rug, index)
    said()
"""
    settings = {"DATABASES": database_of(postgres)}
    without, with_index = run(SHOP + DOCTOR + code, settings, CATALOG="Rugs").splitlines()
    assert without.startswith("search_fields WRONG Add to Meta.indexes of Rug: GinIndex(")
    assert 'SearchVector("name", config="english"), name="product_words")' in without
    # The PostgreSQL of the tests has no extension pg_trgm.
    assert with_index.startswith("search_fields name, tags__name. Misspelled words find nothing")
    assert "TrigramExtension()" in with_index
