import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from shop.models import Product
from tests.helpers.busy import searches_running
from tests.helpers.pictures import encoded, picture, plain
from tests.helpers.reindex import reindex
from visualsearch.models import Query

URL = "/search/photo/"


@pytest.fixture
def indexed(sold, sell):
    for n in range(8, 20):
        sell(f"Q{n}", picture(n))
    reindex()


def post(client, data):
    return client.post(URL, {"image": SimpleUploadedFile("photo.jpg", data)})


def test_search_page__empty(client, db):
    page = client.get(URL).content.decode()
    assert 'enctype="multipart/form-data"' in page
    assert "JPEG, PNG" in page


def test_search_page__has_something_to_look_at(client, indexed):
    response = client.get(URL)
    assert response.context["instead"][0]["key"] == "Q19"
    assert "Or have a look around" in response.content.decode()


def test_search_page__shows_hits_and_photo(client, indexed):
    response = post(client, encoded(picture(3)))
    assert response.status_code == 200
    page = response.content.decode()
    assert "Product P3" in page
    assert "data:image/jpeg;base64," in page
    assert len(response.context["result"].hits) == 12


def test_search_page__pages_by_query_id(client, indexed):
    first = post(client, encoded(picture(3)))
    second = client.get(first.context["next_url"])
    shown = [hit.item for r in (first, second) for hit in r.context["result"].hits]
    assert len(set(shown)) == len(shown) == 20
    assert second.context["next_url"] is None
    assert "offset" not in second.context["previous_url"]


def test_search_page__refusal_is_a_sentence_on_the_page(client, indexed):
    response = post(client, b"no photo")
    assert response.status_code == 415
    assert "Send one of: JPEG" in response.content.decode()


@pytest.mark.parametrize("times", [2, 10])
def test_search_page__too_large(client, indexed, configure, times):
    configure(MAX_PHOTO_BYTES=1_000_000)
    response = post(client, b"\xff" * 1_000_000 * times)
    assert response.status_code == 413
    assert "larger than 1 MB" in response.content.decode()


def test_search_page__nothing_chosen(client, indexed):
    response = client.post(URL, {})
    assert response.status_code == 400
    assert response.context["error"]["code"] == "image_missing"


def test_search_page__not_indexed_yet(client, db):
    assert post(client, encoded(picture(3))).status_code == 503


def test_search_page__down_and_what_it_shows_instead(client, indexed, configure):
    configure(MAX_QUEUE=1)
    with searches_running():
        response = post(client, encoded(picture(3)))
    assert response.status_code == 503
    assert response.context["error"]["code"] == "search_overloaded"
    html = response.content.decode()
    newest = [card["key"] for card in response.context["instead"]]
    assert newest == [f"Q{n}" for n in reversed(range(8, 20))]
    assert all(card["url"] in html for card in response.context["instead"])


def test_search_page__a_bad_photo_is_not_an_outage(client, indexed):
    response = post(client, b"no photo")
    assert response.status_code == 415
    assert response.context["instead"] == []


def test_search_page__wants_its_csrf_token(indexed):
    assert post(Client(enforce_csrf_checks=True), encoded(picture(3))).status_code == 403


def test_search_page__with_its_csrf_token(indexed):
    client = Client(enforce_csrf_checks=True)
    client.get(URL)
    token = client.cookies["csrftoken"].value
    file = SimpleUploadedFile("photo.jpg", encoded(picture(3)))
    response = client.post(URL, {"image": file, "csrfmiddlewaretoken": token})
    assert response.status_code == 200


def test_result_page__odd_offsets(client, indexed):
    post(client, encoded(picture(3)))
    photo = str(Query.objects.get().pk)
    assert client.get(URL, {"photo": photo}).status_code == 200
    page = client.get(URL, {"photo": photo, "offset": -5})
    assert page.context["result"].hits[0].item == "P3"
    assert client.get(URL, {"photo": photo, "offset": 10**9}).status_code == 200
    assert client.get(URL, {"photo": photo, "offset": "x"}).status_code == 404


@pytest.mark.parametrize("photo", ["00000000-0000-4000-8000-000000000000", "x", "\x00"])
def test_result_page__unknown_query(client, indexed, photo):
    response = client.get(URL, {"photo": photo})
    assert response.status_code == 404
    assert response.context["error"]["code"] == "query_not_found"
    assert 'enctype="multipart/form-data"' in response.content.decode()


def test_result_page__earlier_address_leads_to_it(client, indexed):
    post(client, encoded(picture(3)))
    query = Query.objects.get().pk
    response = client.get(f"{URL}{query}/?offset=12")
    assert response.status_code == 301
    assert response["Location"] == f"{URL}?photo={query}&offset=12"
    assert client.get(response["Location"]).status_code == 200


def test_result_page__is_what_the_component_starts_with(client, indexed):
    html = post(client, encoded(picture(3))).content.decode()
    inside = html.split("<visual-search")[-1].split("</visual-search>")[0]
    assert f'photo="{Query.objects.get().pk}"' in inside
    assert " history" in inside
    assert "Product P3" in inside


def result_of(client, image, **params):
    post(client, encoded(image))
    photo = str(Query.objects.latest("created").pk)
    return client.get(URL, {"photo": photo, **params})


def found(response):
    return [hit.item for hit in response.context["result"].hits]


def test_result_page__filters_and_orderings_hold_on_every_page(client, indexed):
    page = result_of(client, picture(3), min_price="11", max_price="20", ordering="-price")
    seen = found(page)
    assert len(seen) == 12
    second = client.get(page.context["next_url"])
    seen += found(second)
    prices = [Product.objects.get(sku=key).price for key in seen]
    assert len(seen) == len(set(seen)) == 19
    assert prices == sorted(prices, reverse=True)
    assert max(prices) == 20
    html = page.content.decode()
    assert '<option value="-price" selected>' in html
    assert 'name="min_price"' in html
    assert 'value="11"' in html


def test_result_page__the_form_of_filters_keeps_the_photo_and_the_category(client, indexed):
    page = result_of(client, picture(3), category="shirts")
    kept = page.context["narrowing"].kept
    assert kept == {"photo": str(Query.objects.get().pk), "category": "shirts"}
    html = page.content.decode()
    assert all(f'type="hidden" name="{name}" value="{text}"' in html for name, text in kept.items())


def test_result_page__filters_can_be_taken_back(client, indexed):
    page = result_of(client, picture(3), max_price="5", color="pink")
    assert found(page) == []
    html = page.content.decode()
    assert "No products match these filters" in html
    assert len(found(client.get(page.context["narrowing"].clear_url))) == 12


def test_result_page__a_bad_filter_is_a_sentence(client, indexed):
    page = result_of(client, picture(3), max_price="cheap")
    assert page.status_code == 400
    assert "number" in page.context["error"]["detail"]
    assert result_of(client, picture(3), ordering="odd").status_code == 400


def test_result_page__classes_are_links(client, indexed, sell, monkeypatch):
    monkeypatch.setattr("shop.visual.WORDS", {"red": {"red"}})
    sell("RED", plain("red"), category="Reds")
    reindex()
    page = post(client, encoded(plain("red")))
    assert found(page) == ["RED"]
    assert page.context["narrowing"].kept["category"] == "red"
    chosen, everything = page.context["chips"]
    assert (chosen["label"], chosen["chosen"]) == ("Red", True)
    assert (everything["label"], everything["chosen"]) == ("Everything", False)
    assert len(found(client.get(everything["url"]))) == 12
    assert found(client.get(chosen["url"])) == ["RED"]


def test_result_page__a_category_that_is_no_class_has_its_chip(client, indexed, monkeypatch):
    monkeypatch.setattr("shop.visual.WORDS", {"red": {"shirt"}})
    page = result_of(client, picture(3), category="shirts")
    assert page.context["chips"][0]["label"] == "Shirts"
    assert page.context["chips"][0]["chosen"]


def test_result_page__nothing_matches_well(client, indexed, configure):
    configure(ENCODER_OPTIONS={"match_threshold": 0.999})
    html = post(client, encoded(plain("blue"))).content.decode()
    assert "The closest we have" in html
    assert "Choose what you are looking for above" in html


def test_result_page__warns_of_an_animation_in_words(client, indexed):
    data = encoded(picture(3), "GIF", save_all=True, append_images=[picture(4)])
    assert "Your photo is an animation" in post(client, data).content.decode()


def test_result_page__of_a_part_of_the_photo(client, indexed, configure):
    configure(ENCODER_OPTIONS={"cells": True}, FIND_SUBJECT=False)
    wall = plain("grey", (480, 480))
    wall.paste(picture(3).resize((240, 240)), (240, 0))
    wall.paste(picture(6).resize((240, 240)), (0, 240))
    page = result_of(client, wall, crop="0.5,0,0.5,0.5")
    assert found(page)[0] == "P3"
    second = client.get(page.context["next_url"])
    assert not set(found(page)) & set(found(second))
    assert page.context["narrowing"].kept["crop"] == "0.5,0,0.5,0.5"
    assert found(result_of(client, wall, crop="0,0.5,0.5,0.5"))[0] == "P6"


@pytest.mark.parametrize("crop", ["1,2", "a,b,c,d", "0,0,2,1", "nan,0,1,1"])
def test_result_page__a_bad_crop_is_a_sentence(client, indexed, crop):
    page = result_of(client, picture(3), crop=crop)
    assert page.status_code == 400
    assert page.context["error"]["code"] == "invalid_crop"
