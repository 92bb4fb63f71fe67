import json

import pytest
from django.core.management import CommandError, call_command

from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex


@pytest.fixture
def photo(sold, tmp_path):
    reindex()
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(picture(3)))
    return path


def test_search__for_people(photo, capsys):
    call_command("visualsearch_search", str(photo), "--limit", "2", "--site", "http://shop.test/")
    out = capsys.readouterr().out
    assert "Class    " in out
    assert "Product P3  http://shop.test/product/" in out
    assert "  2.  " in out
    assert "  3.  " not in out


def test_search__json(photo, capsys):
    call_command("visualsearch_search", str(photo), "--json")
    result = json.loads(capsys.readouterr().out)
    assert result["hits"][0]["item"] == "P3"
    assert {"decode", "encode", "index", "products", "total"} <= set(result["took_ms"])


def test_search__crop(photo, capsys):
    wide = picture(5).resize((200, 128))
    wide.paste(picture(3), (0, 0))
    photo.write_bytes(encoded(wide, "PNG"))
    call_command("visualsearch_search", str(photo), "--crop", "0,0,0.48,1", "--json")
    assert json.loads(capsys.readouterr().out)["hits"][0]["item"] == "P3"


def test_search__says_when_nothing_matches(photo, capsys, configure):
    configure(ENCODER_OPTIONS={"match_threshold": 1.01})
    call_command("visualsearch_search", str(photo))
    assert "No product matches well" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["/nowhere.jpg"], "cannot be read"),
        (["PHOTO", "--limit", "0"], "from 1 to 100"),
        (["PHOTO", "--crop", "1,2"], "crop"),
    ],
)
def test_search__bad_arguments(photo, args, message):
    args = [str(photo) if arg == "PHOTO" else arg for arg in args]
    with pytest.raises(CommandError, match=message):
        call_command("visualsearch_search", *args)


def test_search__no_photo(photo):
    photo.write_text("no photo")
    with pytest.raises(CommandError, match="Send one of: JPEG"):
        call_command("visualsearch_search", str(photo))


def test_search__not_indexed(db, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(picture(3)))
    with pytest.raises(CommandError, match="visualsearch_index"):
        call_command("visualsearch_search", str(path))
