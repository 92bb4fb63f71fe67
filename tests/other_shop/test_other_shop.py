"""Test a shop that is built unlike the sample shop; each test runs in its own process."""

from __future__ import annotations

import pytest

from tests.helpers.picture_server import PictureServer


def test_broken_card__is_left_out(run):
    code = """
        sell("A", 1), sell("B", 2, colour="broken"), sell("C", 3)
        index()
        print(sorted(keys(1)), search(1, limit=2)["results"][1]["product"]["key"])
    """
    assert run(code) == "['A', 'C'] C"


def test_broken_images__fail_alone(run):
    code = """
        sell("A", 1), sell("B", 2, colour="no pictures"), sell("C", 3)
        index()
        print(sorted(keys(1)))
    """
    assert run(code) == "['A', 'C']"


def test_images__at_urls(run):
    with PictureServer() as server:
        code = f"""
            Article.objects.create(code="A", colour="{server.origin}/photo")
            Article.objects.create(code="B", colour="{server.origin}/missing")
            sell("C", 1, colour="ftp://127.0.0.1/photo")
            try:
                index()
            except SystemExit as status:
                print(status)
            found = search(3)["results"]
            print([(hit["product"]["key"], hit["image"]) for hit in found], found[0]["score"])
        """
        said = run(code, CATALOG="LinkedArticles", FETCH_NETWORKS="127.0.0.0/8")
        assert said == f"1\n[('A', '{server.origin}/photo')] 1.0"


def test_images__in_several_storages(run):
    code = """
        article = sell("A", 1)
        sell("B", 2)
        article.media.add(Media.objects.create(file=file(5)))
        index()
        print(search(5)["results"][0]["image"], search(2)["results"][0]["image"])
    """
    assert (
        run(code) == "http://testserver/library/media/5.png http://testserver/media/pictures/2.png"
    )


def test_product_without_picture__the_page_is_shown(run):
    code = """
        sell("A", 1)
        Article.objects.create(code="NEW", colour="bare")
        index()
        print(Client().get("/search/photo/").status_code, exact(1))
    """
    assert run(code) == "200 ['A']"


def test_card__knows_the_request(run):
    code = """
        from django.contrib.auth.models import User
        from django.template import engines
        from django.test import RequestFactory

        sell("A", 1), sell("B", 2)
        index()
        client = Client()
        client.force_login(User.objects.create(username="Mia"))
        similar = client.get("/api/visual-search/products/A/similar/").json()
        print(similar["results"][0]["product"]["name"])
        print("for Mia" in client.get("/search/photo/").content.decode())
        upload = {"image": SimpleUploadedFile("x.png", encoded(picture(1), "PNG"))}
        page = client.post("/search/photo/", upload)
        print("for Mia" in page.content.decode(), page.status_code)
        request = RequestFactory().get("/")
        request.user = User(username="Tom")
        tag = engines["django"].from_string("{% load visualsearch %}{% similar_products 'A' %}")
        print("for Tom" in tag.render({}, request))
        call_command("visualsearch_search", Article.objects.get(code="A").pictures.get().file.path)
    """
    said = run(code, CATALOG="PersonalArticles").splitlines()
    assert said[:4] == ["for Mia", "True", "True 200", "True"]
    assert "for nobody" in "".join(said[4:])


@pytest.mark.parametrize(
    "parameters", ["self, item, request", "self, item, *, request=None", "self, item, **options"]
)
def test_card__gets_the_request_however_it_is_declared(run, parameters):
    code = f"""
        from tests.other_shop import visual
        names = "request" if "request" in "{parameters}" else "options['request']"
        scope = dict(visual=visual)
        exec("def card({parameters}): return dict(key=item.code, name=str(" + names + "))", scope)
        visual.Articles.card = scope["card"]
        sell("A", 1), sell("B", 2)
        index()
        similar = Client().get("/api/visual-search/products/A/similar/").json()
        print(similar["results"][0]["product"]["name"])
    """
    assert "WSGIRequest: GET" in run(code)


@pytest.mark.parametrize("kind", ["Featured", "Shoe"])
def test_proxy_and_subclass__are_watched(run, kind):
    code = f"""
        sell("A", 1)
        index()
        article = {kind}.objects.create(code="B")
        with open(article.pictures.create(file=file(2)).file.path, "wb") as changed:
            changed.write(encoded(picture(5), "PNG"))
        article.save()
        print(exact(2), exact(5))
        article.delete()
        print(exact(5))
    """
    assert run(code) == "[] ['B']\n[]"


def test_many_to_many__both_sides(run):
    code = """
        a, b = Article.objects.create(code="A"), Article.objects.create(code="B")
        one, two = Media.objects.create(file=file(1)), Media.objects.create(file=file(2))
        index()
        a.media.add(one)
        two.articles.add(a, b)
        print(exact(1), exact(2))
        two.articles.remove(a)
        a.media.clear()
        print(exact(1), exact(2))
        two.articles.clear()
        print(exact(2))
    """
    assert run(code) == "['A'] ['A', 'B']\n[] ['B']\n[]"


def test_picture_moved__leaves_the_first_article(run):
    code = """
        a, b = sell("A", 1), sell("B", 2)
        index()
        moved = Picture.objects.create(article=a, file=file(3))
        print(exact(3))
        moved.article = b
        moved.save()
        print(exact(3))
    """
    assert run(code) == "['A']\n['B']"


def test_key_renamed__is_counted_once(run):
    code = """
        a = sell("A", 1)
        index()
        a.code = "Z"
        a.save()
        print(exact(1), search(1)["count"])
    """
    assert run(code) == "['Z'] 1"


def test_row_of_many_items__all_are_reindexed(run):
    code = """
        category = Category.objects.create(on_sale=False)
        sell("A", 1, category=category), sell("B", 2, category=category)
        index()
        category.on_sale = True
        category.save()
        print(exact(1), exact(2))
    """
    assert run(code) == "['A'] ['B']"


def test_watched__a_fault_does_not_stop_the_shop_from_saving(run):
    code = """
        from tests.other_shop import visual
        visual.Articles.watched = lambda self: {Article: lambda row: row.no_such_field}
        print(Article.objects.create(code="A").pk)
    """
    assert run(code) == "1"


def test_slash_in_a_key(run):
    code = """
        from urllib.parse import quote
        sell("A/B 1", 1), sell("C", 2)
        index()
        address = f"/api/visual-search/products/{quote('A/B 1', safe='')}/similar/"
        print([each["product"]["key"] for each in Client().get(address).json()["results"]])
    """
    assert run(code) == "['C']"


def test_storage_of_the_field__gives_the_address(run):
    code = """
        import os
        from django.core.files.storage import FileSystemStorage
        place = os.environ["OTHER_SHOP"] + "/cdn"
        storage = FileSystemStorage(location=place, base_url="https://cdn.example.com/")
        for model in (Picture, Media):
            model._meta.get_field("file").storage = storage
        sell("A", 1)
        index()
        print(search(1)["results"][0]["image"])
    """
    assert run(code).startswith("https://cdn.example.com/pictures/")


def test_uuid_key__with_a_filter(run):
    code = """
        for n, colour in enumerate(("red", "blue", "red")):
            Poster.objects.create(file=file(n), colour=colour)
        index()
        print(len(keys(1)), len(keys(1, colour="red")))
    """
    assert run(code, CATALOG="Posters") == "3 2"


def test_atomic_requests__refusals_are_counted(run):
    code = """
        from visualsearch.models import Refusal
        sell("A", 1)
        index()
        upload = SimpleUploadedFile("photo.png", b"no photo")
        for address in ("/api/visual-search/search/", "/search/photo/"):
            Client().post(address, {"image": upload})
            upload.seek(0)
        print(Refusal.objects.count(), exact(1))
    """
    assert run(code, ATOMIC="1") == "2 ['A']"


def test_replica__a_change_is_found_at_once(run):
    code = """
        sell("A", 1)
        index()
        sell("B", 2)
        print(exact(1), exact(2))
        Picture.objects.using("default").get(article__code="B").delete()
        print(exact(2))
    """
    setup = """
        from django.db import router
    """
    assert run(setup + code, REPLICA="1") == "['A'] ['B']\n[]"


def test_database_of_its_own__what_is_rolled_back_leaves_nothing(run):
    code = """
        from django.db import transaction
        from visualsearch.models import Embedding
        sell("A", 1)
        index()
        try:
            with transaction.atomic(using="shop"):
                sell("B", 2)
                raise ValueError
        except ValueError:
            pass
        print(sorted(Embedding.objects.values_list("item", flat=True)))
    """
    assert run(code, SHOP_DATABASE="1") == "['A']"


def test_long_names__fail_alone(run):
    code = """
        from django.core.files.storage import default_storage
        sell("A", 1), sell("K" * 600, 2)
        name = default_storage.save("/".join(["d" * 100] * 11) + "/x.png", file(3))
        Picture.objects.create(article=Article.objects.create(code="LONG"), file=name)
        index()
        print(exact(1), exact(2), exact(3))
    """
    assert run(code) == "['A'] [] []"


def test_same_picture__each_product_is_on_one_page(run):
    code = """
        from visualsearch.signal_handlers import paused
        with paused():
            for n in range(27):  # of ten equal pictures, none would be found
                sell(f"T{n:02}", n + 100 if n % 3 else 7)
        index()
        answer = search(7, limit=2)
        found = [each["product"]["key"] for each in answer["results"]]
        while answer["next"]:
            answer = Client().get(answer["next"]).json()
            found += [each["product"]["key"] for each in answer["results"]]
        print(len(found), len(set(found)))
        sold = [f"T{n:02}" for n in range(27) if n % 3 == 0]
        print(found[:9] == sold)
    """
    assert run(code) == "27 27\nTrue"


def test_sqlite__with_its_default_options_loses_nothing(run, tmp_path):
    code = """
        import subprocess, sys
        from visualsearch.models import Embedding
        sell("0", 0)
        index()
        begin = "from tests.other_shop.script import *; start(); "
        write = "[sell(f'{}-{{n}}', {} * 100 + n) for n in range(12)]"
        writers = [
            subprocess.Popen([sys.executable, "-W", "ignore", "-c", begin + write.format(n, n)])
            for n in (1, 2, 3)
        ]
        assert [each.wait() for each in writers] == [0, 0, 0]
        rows = Embedding.objects.filter(removed=False).values_list("item", flat=True)
        print(Article.objects.count(), len(set(rows)))
    """
    assert run(code, SQLITE_DEFAULTS="1") == "37 37"


TESTS = """
    import unittest
    from django.test import TestCase
    from django.test.runner import DiscoverRunner

    class Tests(TestCase):
        def check(self, code, seed):
            with self.captureOnCommitCallbacks(execute=True):
                sell(code, seed)
            self.assertEqual(exact(seed), [code])

        def test_1(self):
            self.check("A", 1)

        def test_2(self):
            self.check("B", 2)

    runner = DiscoverRunner(verbosity=0)
    old = runner.setup_databases()
    result = runner.run_suite(unittest.defaultTestLoader.loadTestsFromTestCase(Tests))
    runner.teardown_databases(old)
    print(result.testsRun, len(result.failures + result.errors))
"""


def test_testcase_of_a_shop__sees_only_its_own_rows(run):
    assert run(TESTS) == "2 0"


def test_declared__pictures_by_a_foreign_key(run):
    code = """
        a, b = sell("A", 1), sell("B", 2)
        sell("HIDDEN", 3, colour="blue")
        index()
        b.pictures.create(file=file(4))
        print(exact(1), exact(2), exact(3), exact(4))
        b.pictures.get(file__contains="4").delete()
        print(exact(4), search(1)["results"][0]["product"])
    """
    printed = run(code, CATALOG="DeclaredArticles")
    assert printed.startswith("['A'] ['B'] [] ['B']\n[] {'key': 'A', 'name': 'Article object (1)'")
    assert "'url': 'http://testserver/articles/1/'" in printed
    assert "'image': 'http://testserver/media/pictures/1.png'" in printed


def test_declared__pictures_by_many_to_many(run):
    code = """
        a = Article.objects.create(code="A")
        one = Media.objects.create(file=file(1))
        index()
        a.media.add(one)
        print(exact(1), search(1)["results"][0]["product"]["name"])
        one.delete()
        print(exact(1))
    """
    assert run(code, CATALOG="DeclaredMedia") == "['A'] red\n[]"


def test_declared__picture_of_the_item_itself(run):
    code = """
        poster = Poster.objects.create(file=file(1))
        index()
        print(exact(1) == [str(poster.pk)])
    """
    assert run(code, CATALOG="DeclaredPosters") == "True"


DOCTOR = """
    import io, json
    from contextlib import suppress
    from unittest.mock import patch
    from django.core.management import call_command
    from visualsearch.facets import Choice, Ordering
    from tests.other_shop.visual import Articles

    def wrong(**broken):
        with patch.multiple(Articles, **broken):
            out = io.StringIO()
            with suppress(SystemExit):
                call_command("visualsearch_doctor", "--json", stdout=out)
        found = json.loads(out.getvalue())
        bad = [each for each in found["findings"] if not each["ok"]]
        assert found["healthy"] == (not bad)
        assert all(each["remedy"] for each in bad)
        print(*(f"{each['name']}: {each['remedy']}" for each in bad), sep=" | ")

    category = Category.objects.create()
    for n in range(3):
        sell(f"A{n}", n, category=category)
    index()
"""


def test_doctor__nothing_is_wrong(run):
    assert run(DOCTOR + "    wrong(key='code')\n") == ""


def test_doctor__tells_how_to_keep_connections(run):
    said = run(
        DOCTOR
        + """
    from django.db import connection
    out = io.StringIO()
    for seconds in (0, 60):
        connection.settings_dict["CONN_MAX_AGE"] = seconds
        with suppress(SystemExit):
            call_command("visualsearch_doctor", stdout=out)
    print(out.getvalue().count("CONN_MAX_AGE = 60"))
"""
    )
    assert said == "1"


@pytest.mark.parametrize(
    ("broken", "finding"),
    [
        ("visible=lambda self: Article.objects.none()", "visible(): Add a product, or widen"),
        ("visible=lambda self: Article.objects.all()", "images(): Add prefetch_related()"),
        ("visible=lambda self: Article.objects.filter(category__article__pk__gt=0)", "distinct()"),
        ("key='colour'", "key: Set Articles.key to a unique field"),
        ("images=lambda self, item: ['a.jpg']", "images(): Correct Articles.images()"),
        ("images=lambda self, item: 1 / 0", "images(): Correct images() of Articles"),
        ("image_url=lambda self, name: '/old/' + name", "image_url(): Override"),
        ("card=lambda self, item: {'key': item.code}", "card(): Add them to what"),
        ("card=lambda self, item: item.price", "card(): Let Articles.card() return None"),
        (
            "card=lambda self, item: dict(key=str(item.pk), name='', url='', image='')",
            "card(): Return self.key_of(item)",
        ),
        ("watched=lambda self: {Article: self.key_of}", "watched(): Add Picture to"),
        (
            "watched=lambda self: {Article: self.key_of, Picture: lambda one: one.pk}",
            "watched(): Return the item itself",
        ),
        ("facets=[Choice(name='colur', label='Colour', field='colour')]", "Add colur to"),
        (
            "orderings=[Ordering(value='price', label='Price')]",
            "Correct the fields of the ordering",
        ),
    ],
)
def test_doctor__names_the_line_to_change(run, broken, finding):
    assert finding in run(DOCTOR + f"    wrong({broken})\n")


def test_doctor__without_an_index_and_without_addresses(run):
    code = """
        import io
        from django.core.management import call_command
        from django.test import override_settings
        import types
        empty = types.ModuleType("empty")
        empty.urlpatterns = []
        out = io.StringIO()
        try:
            with override_settings(ROOT_URLCONF=empty):
                call_command("visualsearch_doctor", stdout=out)
        except SystemExit as stop:
            print(stop.code)
        print(out.getvalue())
    """
    printed = run(code)
    assert printed.startswith("1\n")
    assert '→ Add to urlpatterns: path("search/photo/"' in printed
    assert "→ Run manage.py visualsearch_index." in printed


ADMIN = """
    import re
    from django.contrib.auth.models import User
    from visualsearch.models import Experiment, IndexVersion
    sell("A", 1), sell("B", 2)
    index()
    index()
    search(1)
    Client().post("/api/visual-search/search/", {"image": SimpleUploadedFile("x.png", b"x")})
    staff = Client(raise_request_exception=False)
    staff.force_login(User.objects.create_superuser("owner"))
    waiting, seen, bad = ["/admin/"], set(), []
    while waiting:
        address = waiting.pop()
        if address in seen or "logout" in address or "password" in address:
            continue
        seen.add(address)
        answer = staff.get(address)
        if answer.status_code >= 500:
            bad.append(address)
        elif answer.headers["Content-Type"].startswith("text/html"):
            text = answer.content.decode()
            links = re.findall(r'href="([^"#]+)"', text)
            for link in links:
                if link.startswith("?"):
                    link = address.partition("?")[0] + link.replace("&amp;", "&")
                if link.startswith("/admin/visualsearch/") and len(seen) < 150:
                    waiting.append(link.replace("&amp;", "&"))
    print(len(seen) > 20, bad)
"""


@pytest.mark.parametrize("other", [{}, {"NO_TIME_ZONES": "1"}, {"ATOMIC": "1"}])
def test_admin__every_page_with_other_settings(run, other):
    assert run(ADMIN, **other) == "True []"
