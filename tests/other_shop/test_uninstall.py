"""Remove the app from the shop; what other code has stored stays."""

from __future__ import annotations

import pytest

from benchmarks.servers import milvus_lite
from shop.tools.ports import free_port
from tests.other_shop import settings
from tests.other_shop.conftest import database_of

START = """
    import os
    from pathlib import Path
    from django.contrib.admin.models import ADDITION, LogEntry
    from django.contrib.auth.models import Group, Permission, User
    from django.contrib.contenttypes.models import ContentType
    from django.core.management import CommandError
    from django.db import connection
    from visualsearch.models import IndexVersion

    def uninstall(*options):
        out = io.StringIO()
        call_command("visualsearch_uninstall", "--no-input", *options, stdout=out, verbosity=0)
        return out.getvalue()

    def tables():
        return [name for name in connection.introspection.table_names() if "visualsearch" in name]

    sell("A", 1), sell("B", 2)
    index(), index()
"""
EVERYTHING = """
    owner = User.objects.create_superuser("owner")
    clerks = Group.objects.create(name="clerks")
    clerks.permissions.set(Permission.objects.filter(codename__in=["view_run", "view_article"]))
    for model in (Article, IndexVersion):
        LogEntry.objects.create(
            user=owner,
            content_type=ContentType.objects.get_for_model(model),
            object_id="1",
            action_flag=ADDITION,
        )
    folder = Path(os.environ["OTHER_SHOP"]) / "index"
    (folder / "models" / "fake-1").mkdir(parents=True)
    (folder / "models" / "of the shop").mkdir()
    copy = f"fake-1-99.7.{'0' * 64}.index"
    for name in ("fake-1-99.index", "fake-1-99.part7", "runs.log", "shop.index", "photo.jpg", copy):
        (folder / name).write_text("x")
    print(uninstall("--dry-run").splitlines()[-1], IndexVersion.objects.exists())
    print(uninstall().partition("are not the app's and stay: ")[2].splitlines()[0])
    print(sorted(str(each.relative_to(folder)) for each in folder.rglob("*")))
    print(LogEntry.objects.get().content_type.model)
    print([each.codename for each in clerks.permissions.all()])
    print(ContentType.objects.filter(app_label="visualsearch").exists(), tables())
    print("Everything was deleted." in uninstall(), Article.objects.count())
"""
SERVER = """
    print(IndexVersion.objects.count(), "Indexes in servers: 2" in uninstall("--dry-run"))
    uninstall()
    print(tables())
"""
AWAY = """
    try:
        uninstall()
    except CommandError as error:
        print(error)
    print(IndexVersion.objects.exists())
    uninstall("--leave-servers")
    print(tables())
"""


def test_uninstall__leaves_nothing_of_the_app_and_all_else(run):
    assert run(START + EVERYTHING).splitlines() == [
        "Nothing was deleted. True",
        "models, photo.jpg, shop.index",
        "['models', 'models/of the shop', 'photo.jpg', 'shop.index']",
        "article",
        "['view_article']",
        "False []",
        "True 2",
    ]


def test_uninstall__drops_pgvector_tables(run, postgres):
    other = {
        "DATABASES": database_of(postgres),
        "VISUALSEARCH": {"INDEX": "visualsearch.indexes.pgvector.PgvectorIndex"},
    }
    assert run(START + SERVER, other) == "2 True\n[]"


def test_uninstall__drops_milvus_collections(run):
    pytest.importorskip("milvus_lite")
    pymilvus = pytest.importorskip("pymilvus")
    with milvus_lite() as uri:
        index = {"INDEX": "visualsearch.indexes.milvus.MilvusIndex", "INDEX_OPTIONS": {"uri": uri}}
        client = pymilvus.MilvusClient(uri=uri)
        client.create_collection("of_the_shop", dimension=4)
        assert run(START + SERVER, {"VISUALSEARCH": index}) == "2 True\n[]"
        assert client.list_collections() == ["of_the_shop"]


def test_uninstall__deletes_keys_in_redis(run, redis_server):
    client = redis_server.client()
    own = ["visualsearch:jobs", "visualsearch:worker:1", "visualsearch:later"]
    queues = ["visualsearch.index", "_kombu.binding.visualsearch.search"]
    for key in (*own, *queues, "visualsearch2:x", "shop:visualsearch", "celery"):
        client.set(key, "x")
    code = '    print(uninstall("--dry-run")); uninstall()'
    said = run(START + code, {"VISUALSEARCH": {"REDIS_URL": redis_server.url}})
    assert f"Keys in Redis: {len(own) + len(queues)}" in said
    assert sorted(client.keys()) == [b"celery", b"shop:visualsearch", b"visualsearch2:x"]


def test_uninstall__redis_away(run):
    url = f"redis://127.0.0.1:{free_port()}/0"
    said = run(START + AWAY, {"VISUALSEARCH": {"REDIS_URL": url}}).splitlines()
    assert said == [
        "Redis does not answer. Start it, or pass --leave-servers to leave its data.",
        *("True", "[]"),
    ]


def test_uninstall__index_server_away(run):
    code = """
    IndexVersion.objects.update(
        backend="visualsearch.indexes.milvus.MilvusIndex",
        options={"uri": "http://127.0.0.1:1", "timeout": 1},
    )
"""
    pytest.importorskip("pymilvus")
    said = run(START + code + AWAY).splitlines()
    assert "MilvusIndex, does not answer. Start it, or pass --leave-servers" in said[0]
    assert said[1:] == ["True", "[]"]


@pytest.mark.parametrize("urls", ["visualsearch.urls", "visualsearch.api.urls"])
def test_urls_without_the_app__say_what_to_do(run, urls):
    code = f"""
        from importlib import import_module
        from django.core.exceptions import ImproperlyConfigured
        try:
            import_module("{urls}")
        except ImproperlyConfigured as error:
            print(error)
    """
    apps = [each for each in settings.INSTALLED_APPS if each != "visualsearch"]
    said = run(code, {"INSTALLED_APPS": apps})
    assert f'Remove include("{urls}") from urlpatterns, or add "visualsearch"' in said
