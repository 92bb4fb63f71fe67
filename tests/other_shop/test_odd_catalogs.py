"""Models, filters and cards that other shops have."""

from __future__ import annotations

import pytest

ALBUMS = """
def album(code, seed, **values):
    made = Album.objects.create(code=code, **values)
    Cover.objects.create(album=made, file=file(seed))
    return made

"""


@pytest.mark.parametrize("catalog", ["Albums", "AlbumsByQueryName"])
def test_relation_without_related_name__is_followed(run, catalog):
    code = (
        ALBUMS
        + """
first, second = album("A", 1), album("B", 2)
index()
cover = first.cover_set.get()
cover.album = second
cover.save()
print(exact(1))
Cover(pk=cover.pk, album=first, file=cover.file).save()  # replaces the stored row
print(exact(1))
cover.delete()
print(exact(1))
"""
    )
    assert run(code, CATALOG=catalog) == "['B']\n['A']\n[]"


def test_rows_that_link_a_many_to_many__are_watched(run):
    code = """
        media = [Media.objects.create(file=file(seed)) for seed in (1, 2)]
        albums = [Album.objects.create(code=code) for code in "AB"]
        index()
        link = AlbumShot.objects.create(album=albums[0], media=media[0])
        print(exact(1))
        link.album = albums[1]
        link.save()
        print(exact(1))
        link.delete()
        print(exact(1))
    """
    assert run(code, CATALOG="AlbumsOfMedia") == "['A']\n['B']\n[]"


def test_watched_that_fails__stops_no_save(run):
    code = """
        from unittest.mock import patch
        from tests.other_shop.visual import Articles
        with patch.object(Articles, "watched", lambda self: 1 / 0):
            Category.objects.create()
        with patch.object(Articles, "watched", lambda self: None):
            sell("A", 1)
        print(Category.objects.count(), Article.objects.count())
    """
    assert run(code) == "1 1"


def test_range_and_several_values(run):
    code = (
        ALBUMS
        + """
for n, key in enumerate("ABC"):
    album(key, n, price=10 * n)
index()
def found(query):
    upload = {"image": SimpleUploadedFile("x.png", encoded(picture(1), "PNG"))}
    answer = Client().post(f"/api/visual-search/search/?limit=1&{query}", upload)
    if answer.status_code != 200:
        return answer.status_code
    keys, page = [], answer.json()
    while True:
        keys += [hit["product"]["key"] for hit in page["results"]]
        if not page["next"]:
            return sorted(keys)
        page = Client().get(page["next"]).json()

print(found("price_min=10"), found("price_min=10&price_max=10"), found("price_min=abc"))
print(found("code=A&code=C"), found("code=B"), found("code=X"))
upload = {"image": SimpleUploadedFile("x.png", encoded(picture(1), "PNG"))}
query = Client().post("/api/visual-search/search/", upload).json()["query_id"]
page = Client().get(f"/search/photo/?photo={query}&code=A&code=C").content.decode()
print([f">{key}" in page or f"album-{key}" in page or f"Album object" in page for key in "A"])
"""
    )
    said = run(code, CATALOG="Albums").splitlines()
    assert said[:2] == ["['B', 'C'] ['B'] 400", "['A', 'C'] ['B'] 400"]


def test_ordering_by_a_many_to_many__shows_each_once(run):
    code = (
        ALBUMS
        + """
for n, key in enumerate("ABC"):
    made = album(key, n)
    for shot in range(3):
        AlbumShot.objects.create(album=made, media=Media.objects.create(file=file(10 + shot)))
index()
query = search(1)["query_id"]
page = Client().get(f"/api/visual-search/queries/{query}/?ordering=shots").json()
print([hit["product"]["key"] for hit in page["results"]])
"""
    )
    assert run(code, CATALOG="Albums") == "['A', 'B', 'C']"


def test_key_that_its_validators_refuse__is_indexed(run):
    code = (
        ALBUMS
        + """
album("two words/ünï", 1)
index()
print(exact(1))
"""
    )
    assert run(code, CATALOG="Albums") == "['two words/ünï']"


@pytest.mark.parametrize(
    "card",
    [
        "[]",
        "{'price': float('nan')}",
        "{'item': item}",
        "{('a', 'b'): 1}",
        "{'name': chr(0xd800)}",
    ],
)
def test_card_that_is_not_json__is_left_out(run, card):
    code = f"""
        from tests.other_shop import visual
        whole = visual.Articles.card
        visual.Articles.card = (
            lambda self, item: ({card}) if item.code == "B" else whole(self, item)
        )
        sell("A", 1), sell("B", 2)
        index()
        print(keys(1))
    """
    assert run(code) == "['A']"


def test_card_without_a_key__gets_it(run):
    code = """
        from tests.other_shop import visual
        visual.Articles.card = lambda self, item: {"name": item.code}
        sell("A", 1)
        index()
        print(keys(1))
    """
    assert run(code) == "['A']"


def test_catalog_in_a_second_database__is_filtered(run):
    code = """
        sell("A", 1, colour="red"), sell("B", 2, colour="blue")
        index()
        print(keys(1, colour="blue"), keys(1, colour="red"))
    """
    assert run(code, SHOP_DATABASE="1") == "['B'] ['A']"


def test_replica_that_lags__new_pictures_are_indexed(run):
    code = """
        from django.db import connections
        sell("A", 1)
        index()
        # Empty the replica, so that it lacks all that is written from now on.
        connections["replica"].close()
        connections["replica"].settings_dict["NAME"] = ":memory:"
        call_command("migrate", run_syncdb=True, verbosity=0, database="replica")
        sell("B", 2)
        from visualsearch.models import Embedding
        print(sorted(Embedding.objects.filter(removed=False).values_list("item", flat=True)))
    """
    assert run(code, REPLICA="1") == "['A', 'B']"
