import re

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from visualsearch.models import Query, Storefront

from .conftest import messages_of

LIST = reverse("admin:visualsearch_storefront_changelist")
ADD = reverse("admin:visualsearch_storefront_add")
FIELDS = {"name": "Mobile app", "active": "on", "rate": "600/min", "quota": ""}

pytestmark = pytest.mark.django_db


def change(shop):
    return reverse("admin:visualsearch_storefront_change", args=[shop.pk])


def storefront(name="Mobile app"):
    shop = Storefront(name=name)
    shop.new_key()
    shop.save()
    return shop


def key_in(response):
    (message,) = [each for each in messages_of(response) if "shown only once" in each]
    return re.search(r">(vs_[\w-]{43})<", message)[1]


def new_key(client, shop):
    data = {"action": "new_key", "_selected_action": [shop.pk]}
    return client.post(LIST, data, follow=True)


def test_add__tells_the_key_once(admin_client):
    response = admin_client.post(ADD, FIELDS, follow=True)
    key = key_in(response)
    shop = Storefront.objects.get()
    assert Storefront.of_key(key) == shop
    for url in (LIST, change(shop)):
        page = admin_client.get(url).content.decode()
        assert key not in page
        assert shop.digest not in page
    assert shop.prefix in admin_client.get(LIST).content.decode()
    assert not LogEntry.objects.filter(change_message__contains=key).exists()


def test_change__keeps_the_key(admin_client):
    shop = storefront()
    digest = shop.digest
    values = FIELDS | {"name": "App", "quota": "5000", "rate": "10/s"}
    response = admin_client.post(change(shop), values, follow=True)
    shop.refresh_from_db()
    assert (shop.name, shop.quota, shop.rate, shop.digest) == ("App", 5000, "10/s", digest)
    assert not any("shown only once" in each for each in messages_of(response))


def test_deactivated__its_key_opens_nothing(admin_client):
    key = key_in(admin_client.post(ADD, FIELDS, follow=True))
    shop = Storefront.objects.get()
    values = {name: value for name, value in FIELDS.items() if name != "active"}
    admin_client.post(change(shop), values)
    assert Storefront.of_key(key) is None
    assert "deactivated" in admin_client.get(LIST).content.decode()


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"rate": "many"}, "for example 600/min"),
        ({"rate": "0/min"}, "for example 600/min"),
        ({"rate": "600 / min"}, "for example 600/min"),
        ({"quota": "0"}, "deactivate the storefront"),
        ({"quota": "-1"}, "greater than or equal to 0"),
        ({"name": ""}, "This field is required"),
    ],
)
def test_add__says_what_is_wrong(admin_client, values, text):
    assert text in admin_client.post(ADD, FIELDS | values).content.decode()
    assert not Storefront.objects.exists()


def test_new_key__ends_the_old_one(admin_client):
    old = key_in(admin_client.post(ADD, FIELDS, follow=True))
    shop = Storefront.objects.get()
    new = key_in(new_key(admin_client, shop))
    assert new != old
    assert Storefront.of_key(old) is None
    assert Storefront.of_key(new) == shop
    assert "Replaced the API key" in LogEntry.objects.first().change_message


def test_new_key__needs_its_permission(staff):
    shop = storefront()
    digest = shop.digest
    new_key(staff("view_storefront"), shop)
    shop.refresh_from_db()
    assert shop.digest == digest
    new_key(staff("view_storefront", "change_storefront"), shop)
    shop.refresh_from_db()
    assert shop.digest != digest


def test_list__counts_searches_in_one_question(admin_client, queries):
    shop = storefront()
    before = queries(admin_client, LIST)
    for name in ("a", "b"):
        Query.objects.create(storefront=storefront(name), encoder="fake-1", vector=b"")
    Query.objects.create(storefront=shop, encoder="fake-1", vector=b"")
    assert queries(admin_client, LIST) == before
    rows = admin_client.get(LIST).context["cl"].result_list
    assert [row.searches for row in rows] == [1, 1, 1]


def test_nobody__deletes_storefronts(admin_client):
    shop = storefront()
    url = reverse("admin:visualsearch_storefront_delete", args=[shop.pk])
    assert admin_client.post(url, {"post": "yes"}).status_code == 403
    assert Storefront.objects.exists()
