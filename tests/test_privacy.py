"""The promises of docs/security.md about shoppers' photos, one by one."""

from __future__ import annotations

import base64
import io
import logging
import sys
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from PIL import Image, TiffImagePlugin

from tests.api.test_search import upload
from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex
from visualsearch import conf
from visualsearch.models import KeptPhoto, Query, Refusal
from visualsearch.photos import small_jpeg
from visualsearch.photos.decode import open_photo
from visualsearch.search import query_log
from visualsearch.search_queue import photo_packing

API = "/api/visual-search/"
SECRET = "48.8584N 2.2945E of the family"
NAME = "holiday with Ann\r\nSet-Cookie: x.jpg"
ADDRESS = "203.0.113.77"


def photo(size=(900, 1200)):
    """Return a photo with its location in EXIF, XMP and a comment."""
    exif = Image.Exif()
    exif[0x010E] = SECRET
    exif.get_ifd(0x8825)[2] = (TiffImagePlugin.IFDRational(48, 1),) * 3
    return encoded(
        picture(3, size), exif=exif, comment=SECRET.encode(), xmp=SECRET.encode(), quality=95
    )


@pytest.fixture
def indexed(sold):
    reindex()
    cache.clear()
    return sold


def ways_in(client, data):
    """Yield every way to upload a photo, with its response."""
    text = base64.b64encode(data).decode()
    file = lambda: SimpleUploadedFile(NAME, data, "image/jpeg")  # noqa: E731
    extra = {"REMOTE_ADDR": ADDRESS, "HTTP_X_FORWARDED_FOR": ADDRESS}
    for path in ("search/", "classify/"):
        yield client.post(API + path, {"image": file()}, **extra)
        yield client.generic("POST", API + path, data, "image/jpeg", **extra)
        yield client.post(API + path, {"image": text}, content_type="application/json", **extra)
    yield client.post(f"{API}batch/", {"image": [file(), file()]}, **extra)
    yield client.post("/search/photo/", {"image": file()}, **extra)


def everything_stored():
    """Return all rows of the database as text, bytes decoded as Latin-1."""
    kept = io.StringIO()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for row in cursor.fetchall():
                for value in row:
                    as_bytes = isinstance(value, bytes | memoryview)
                    kept.write(bytes(value).decode("latin1") if as_bytes else str(value))
                    kept.write("\n")
    return kept.getvalue()


class Writes:
    """Records the files that this process opens for writing inside ``with``."""

    def __init__(self):
        self.seen, self.looking = [], False
        sys.addaudithook(self.hook)

    def hook(self, event, arguments):
        if not self.looking or event != "open":
            return
        path, mode, flags = arguments
        if (mode and set("wax+") & set(mode)) or (flags or 0) & 0x3:  # O_WRONLY, O_RDWR
            self.seen.append(str(path))

    def __enter__(self):
        self.looking = True
        return self.seen

    def __exit__(self, *error):
        self.looking = False


writes = Writes()


def test_photos__are_never_written(client, indexed):
    # Larger than what Django keeps in memory by default.
    data = photo((2400, 3200)) + b"\0" * 3_000_000
    with writes as seen:
        answers = list(ways_in(client, data))
    assert [each.status_code for each in answers] == [200] * 8
    assert seen == []
    assert not KeptPhoto.objects.exists()


def test_writes__would_be_noticed(tmp_path):
    with writes as seen:
        (tmp_path / "photo.jpg").write_bytes(b"x")
    assert seen == [str(tmp_path / "photo.jpg")]


def test_metadata_name_and_address__are_nowhere(client, indexed, configure, caplog):
    configure(KEEP_PHOTOS=60)
    data = photo()
    assert SECRET.encode() in data
    with caplog.at_level(logging.DEBUG):
        answers = [*ways_in(client, data), *ways_in(client, data[:2000]), *ways_in(client, b"x")]
        answers.append(upload(client, data, name=NAME, keep_photo="1"))
    assert {each.status_code for each in answers} == {200, 422, 415}
    assert KeptPhoto.objects.count() == 1
    answered = b"".join(each.content for each in answers).decode("latin1")
    headers = "".join(str(each.headers) for each in answers)
    # The page sends the photo back, as pixels alone.
    shown = "".join(
        base64.b64decode(part.split(b'"')[0]).decode("latin1")
        for each in answers
        for part in each.content.split(b"data:image/jpeg;base64,")[1:]
    )
    assert shown
    for where in (answered, headers, shown, everything_stored(), caplog.text):
        assert SECRET not in where
        assert SECRET[:12] not in where
        assert "holiday" not in where
        assert "Set-Cookie: x" not in where
        assert ADDRESS not in where


def test_pictures__are_in_no_log(client, indexed, caplog):
    data = photo((300, 400))
    text = base64.b64encode(data).decode()
    with caplog.at_level(logging.DEBUG):
        for broken in (data, data[:2000]):
            list(ways_in(client, broken))
    assert text[100:140] not in caplog.text
    assert repr(data[200:216])[2:-1] not in caplog.text
    assert max(len(record.getMessage()) for record in caplog.records) < 2000


def test_metadata__does_not_reach_a_worker(indexed):
    packed = photo_packing.pack(open_photo(photo()), None)
    assert SECRET.encode() not in packed.jpeg
    assert Image.open(io.BytesIO(packed.jpeg)).getexif() == {}


def test_what_was_seen__is_erased_in_time(client, indexed, configure, monkeypatch):
    configure(QUERY_LIFETIME=60)
    upload(client, photo())
    query = Query.objects.get()
    assert query.vector
    assert timezone.now() < query.expires < timezone.now() + timedelta(seconds=61)
    Query.objects.update(expires=timezone.now() - timedelta(seconds=1))
    query_log._log.cleaned = 0.0
    upload(client, photo())
    query.refresh_from_db()
    assert (query.vector, query.cells, query.expires) == (b"", b"", None)


def test_figures__go_after_their_time(client, indexed, monkeypatch):
    upload(client, photo())
    upload(client, b"x")
    long_ago = timezone.now() - timedelta(seconds=conf.get("FIGURES_LIFETIME") + 1)
    for kind in (Query, Refusal):
        kind.objects.update(created=long_ago)
    query_log._log.cleaned = 0.0
    upload(client, photo())
    assert (Query.objects.count(), Refusal.objects.count()) == (1, 0)
    assert Query.objects.get().created > long_ago


def test_figures__a_search_does_not_pay_for_a_long_silence(client, indexed, monkeypatch):
    for _ in range(5):
        upload(client, photo())
    Query.objects.update(created=timezone.now() - timedelta(days=1000))
    monkeypatch.setattr(query_log, "CLEANUP_ROWS", 2)
    query_log._log.cleaned = 0.0
    upload(client, photo())
    assert Query.objects.count() == 4
    call_command("visualsearch_forget", "--expired")
    assert Query.objects.count() == 1


@pytest.mark.parametrize(
    ("seconds", "allowed", "kept"), [(0, "1", 0), (60, "", 0), (60, "0", 0), (60, "1", 1)]
)
def test_keeping__needs_the_shop_and_the_customer(
    client, indexed, configure, seconds, allowed, kept
):
    configure(KEEP_PHOTOS=seconds)
    assert upload(client, photo(), keep_photo=allowed).status_code == (200 if allowed else 400)
    assert KeptPhoto.objects.count() == kept


def test_keeping__upright_small_and_for_a_time(client, indexed, configure):
    configure(KEEP_PHOTOS=60)
    upload(client, photo((3000, 4000)), keep_photo="1")
    row = KeptPhoto.objects.get()
    assert row.pk == Query.objects.get().pk
    image = Image.open(io.BytesIO(row.jpeg))
    assert len(row.jpeg) <= small_jpeg.SMALL
    assert image.getexif() == {}
    assert image.height > image.width
    assert timezone.now() < row.expires < timezone.now() + timedelta(seconds=61)
    KeptPhoto.objects.update(expires=timezone.now())
    call_command("visualsearch_forget", "--expired")
    assert not KeptPhoto.objects.exists()


def test_query__who_it_was_is_a_pseudonym(client, indexed):
    user = User.objects.create_user("ann.smith", email="ann@example.com")
    upload(client, photo(), visitor="ann.smith@example.com")
    client.force_login(user)
    upload(client, photo())
    for query in Query.objects.all():
        assert len(query.visitor) == 32
    stored = "\n".join(str(row) for row in Query.objects.values())
    assert "ann" not in stored


def test_words__are_not_kept_by_default(client, indexed):
    query = upload(client, photo(), q="product of Ann Smith").json()["query_id"]
    client.get(f"{API}queries/{query}/", {"q": "Smith"})
    assert Query.objects.get().words is None


def test_words__are_kept_if_the_shop_wants_it_without_numbers(client, indexed, configure):
    configure(KEEP_WORDS=True)
    query = upload(client, photo(), q="Product kilt ann@example.com 123456 06 12").json()[
        "query_id"
    ]
    assert Query.objects.get().words == {"product": True, "kilt": False}
    client.get(f"{API}queries/{query}/", {"q": "tartan"})
    assert Query.objects.get().words["tartan"] is False
    call_command("visualsearch_forget", "--query", query)
    assert not Query.objects.exists()
