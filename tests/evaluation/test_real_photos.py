"""Index a catalog of real photos and find it by other photos of the same garments."""

import json

import pytest
from django.core.management import call_command

from tests.helpers.pictures import encoded
from visualsearch.photos.decode import open_photo

pytestmark = [pytest.mark.shared_data, pytest.mark.django_db]


@pytest.fixture
def luma(shared_data, shipped_model):
    call_command("load_catalog", str(shared_data / "luma_men/catalog.csv"), "--no-index")
    return shared_data / "luma_men"


def output(capsys, *command):
    capsys.readouterr()
    call_command(*command, "--json")
    return json.loads(capsys.readouterr().out)


def test_luma_men__indexed_searched_and_found(luma, capsys, tmp_path):
    report = output(capsys, "visualsearch_index")
    assert (report["items"], report["images"], report["failed"]) == (199, 199, 0)
    assert report["encoded"] == 199
    again = output(capsys, "visualsearch_index")
    assert (again["encoded"], again["unchanged"]) == (0, 199)

    report = output(capsys, "visualsearch_evaluate", str(luma / "queries.csv"))
    assert (report["queries"], report["items"]) == (122, 199)
    assert report["sku"]["recall@10"] >= 0.75
    assert report["sku"]["recall@1"] >= 0.5

    phone = open_photo((luma / "images/mh01-gray_alt1.jpg").read_bytes()).image
    photo = tmp_path / "12-megapixels.jpg"
    photo.write_bytes(encoded(phone.resize((3000, 4000)), quality=90))
    found = output(capsys, "visualsearch_search", str(photo), "--limit", "10")
    assert "MH01-GRAY" in [hit["item"] for hit in found["hits"]]
    assert output(capsys, "visualsearch_check")["clean"]
