"""Words, things in the photo, and variants on the search page, without JavaScript."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from shop.visual import ProductCatalog
from tests.helpers.pictures import encoded, picture, plain
from tests.helpers.reindex import reindex

URL = "/search/photo/"
EXAMPLE = "for example: in navy"
pytestmark = pytest.mark.django_db


@pytest.fixture
def styles(sell):
    """Twenty products of ten styles in two colours."""
    for n in range(20):
        color = ["red", "navy"][n % 2]
        sell(f"P{n}", picture(n), name=f"Thing {n}", style=f"S{n // 2}", color=color)
    reindex()


def post(client, image, **fields):
    file = SimpleUploadedFile("photo.jpg", encoded(image))
    return client.post(URL, {"image": file, **fields})


def keys(response):
    return [hit.item for hit in response.context["result"].hits]


def test_words__in_the_form_and_in_all_links(client, styles):
    first = post(client, picture(4), q="in navy")
    assert keys(first)[0] == "P5"
    assert "q=in+navy" in str(first.context["narrowing"].clear_url)
    page = first.content.decode()
    assert page.count(EXAMPLE) == 2  # to refine, and with another photo
    assert 'value="in navy"' in page
    again = client.get(first.context["narrowing"].clear_url)
    assert keys(again) == keys(first)
    plain_page = client.get(first.context["narrowing"].clear_url.replace("q=in+navy", "q="))
    assert keys(plain_page)[0] == "P4"


def test_words__not_offered_without_a_text_search(client, styles, monkeypatch):
    monkeypatch.setattr(ProductCatalog, "search_fields", ())
    response = post(client, picture(4), q="navy")
    assert EXAMPLE not in response.content.decode()
    assert keys(response)[0] == "P4"


def test_variants__are_linked(client, styles):
    page = post(client, picture(4)).content.decode()
    card = page.split('data-key="P4"')[1].split("data-key=")[0]
    assert 'alt="Thing 5"' in card
    assert "/thing-5/" in card


def test_things__are_linked(client, sell, configure):
    configure(ENCODER="tests.helpers.halves.HalvesEncoder", FIND_SUBJECT=False)
    sell("GREEN", plain((20, 200, 20)))
    sell("BLUE", plain((20, 20, 200)))
    reindex()
    photo = Image.new("RGB", (128, 128), (20, 20, 200))
    photo.paste((20, 200, 20), (64, 0, 128, 128))
    first = post(client, photo)
    links = [(each["label"], each["chosen"]) for each in first.context["things"]]
    assert links == [("Blue", False), ("Green", False), ("Whole photo", True)]
    green = client.get(first.context["things"][1]["url"])
    assert keys(green)[0] == "GREEN"
    assert [each["chosen"] for each in green.context["things"]] == [False, True, False]
    assert "Things in your photo" in green.content.decode()


def test_things__a_bad_id(client, styles):
    first = post(client, picture(4))
    address = f"{URL}?photo={first.context['result'].query_id}&object="
    assert client.get(address + "x").status_code == 404
    refused = client.get(address + "7")
    assert refused.status_code == 400
    assert "Use one of" in refused.content.decode()
