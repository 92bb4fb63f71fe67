"""Words, groups, rules and objects through Redis, a search worker and PostgreSQL."""

from __future__ import annotations

import json

from PIL import Image

from tests.helpers.pictures import encoded, picture
from tests.stack.stack import Stack

PREPARE = """
from shop.models import Product
from visualsearch.models import RankingRule
Product.objects.filter(sku__in=["P3", "P5"]).update(style="S", color="navy")
Product.objects.filter(sku="P5").update(color="green")
RankingRule.objects.create(name="No P7", action="hide", keys=["P7"])
"""


def keys(answer):
    return [each["product"]["key"] for each in answer["results"]]


def search(stack: Stack, query: str = ""):
    answer = stack.browser().search(encoded(picture(3, (480, 640)), quality=75), query)
    assert answer.status == 200, answer.body
    return answer.json


def test_words_groups_and_rules(stack):
    before = search(stack, "?limit=100")
    assert keys(before)[0] == "P3"
    assert "P7" in keys(before)
    stack.manage("shell", "-c", PREPARE)
    found = search(stack, "?limit=100")
    assert keys(found)[0] == "P3"
    assert [each["key"] for each in found["results"][0]["variants"]] == ["P5"]
    assert "P7" not in keys(found)
    assert found["count"] == len(keys(found)) == len(keys(before)) - 2
    green = search(stack, "?limit=1&q=in+green")
    assert keys(green) == ["P5"]
    page = stack.browser().get(green["next"]).json
    assert "P3" not in keys(page)
    shirts = search(stack, "?limit=100&q=shirt&words=filter&collapse=0")  # the category is Shirts
    assert sorted(keys(shirts), key=lambda key: int(key[1:])) == [
        f"P{n}" for n in range(1, 16, 2) if n != 7
    ]


def test_objects(stack):
    """A photo with two pictures of the shop beside each other."""
    photo = Image.new("RGB", (900, 600), (240, 240, 240))
    photo.paste(picture(2, (300, 400)), (60, 100))
    photo.paste(picture(4, (300, 400)), (540, 100))
    answer = stack.browser().search(encoded(photo, quality=90), "?per_object=1&limit=3").json
    for row, each in zip(answer["per_object"], answer["objects"], strict=True):
        assert row["object"] == each["id"]
        alone = f"/api/visual-search/queries/{answer['query_id']}/?limit=3&object={each['id']}"
        assert keys(stack.browser().get(alone).json) == keys(row), json.dumps(answer["objects"])
