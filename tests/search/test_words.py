"""What words ask for, and which products they describe."""

import pytest
from django.db.models import Q

from shop.models import Product
from shop.visual import ProductCatalog
from visualsearch.catalogs import catalog, words
from visualsearch.conf import SHIPPED_MODEL
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.search.words import conditions, described, most_described, wanted_by

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(sell):
    sell("H1", name="Hooded top", category="Hoodies & Sweatshirts", color="navy")
    sell("H2", name="Plain top", category="Hoodies & Sweatshirts", color="red")
    sell("J1", name="Rain jacket", category="Jackets", color="navy", material="Wool")
    return catalog()


def skus(source, text):
    """Return the products that each word of a text describes."""
    found = conditions(source, source.visible(), words.split_words(text))
    return {word: sorted(row.sku for row in Product.objects.filter(q)) for word, q in found.items()}


def test_split_words__that_may_describe_a_product():
    assert words.split_words("Like this, but in NAVY — navy, T-shirt") == ["navy", "t-shirt"]
    assert words.split_words("la même en bleu") == ["même", "bleu"]
    assert words.split_words("ann@example.com navy") == ["navy"]
    assert len(words.split_words(" ".join(f"w{n}" for n in range(50)))) == words.MOST_WORDS


def test_conditions__own_fields_and_related_ones(shop):
    assert skus(shop, "navy hoodies wool qwertz") == {
        "navy": ["H1", "J1"],
        "hoodies": ["H1", "H2"],
        "wool": ["J1"],
    }


def test_conditions__plurals(shop):
    assert skus(shop, "hoodie jacket") == {"hoodie": ["H1", "H2"], "jacket": ["J1"]}


def test_conditions__the_shops_own_search(shop, monkeypatch):
    monkeypatch.setattr(ProductCatalog, "word_condition", lambda self, word: Q(sku=word.upper()))
    assert skus(shop, "j1") == {"j1": ["J1"]}


def test_conditions__without_fields(shop, monkeypatch):
    monkeypatch.setattr(ProductCatalog, "search_fields", ())
    assert skus(shop, "navy") == {}


def test_described__counts_the_words_of_each(shop):
    wanted = list(conditions(shop, shop.visible(), ["navy", "hoodies"]).values())
    assert described(shop, shop.visible(), wanted, ["H1", "H2", "J1"]) == {
        "H1": 2,
        "H2": 1,
        "J1": 1,
    }
    assert most_described(shop, shop.visible(), wanted, 1) == {"H1": 2}
    assert most_described(shop, shop.visible(), wanted, 9) == {"H1": 2, "H2": 1, "J1": 1}


def test_wanted_by__a_colour_that_texts_name(shop):
    wanted = wanted_by("in navy", shop)
    assert (len(wanted.conditions), wanted.colour, wanted.other_colour) == (1, None, True)


def test_wanted_by__a_colour_that_no_text_names(shop):
    wanted = wanted_by("in pink", shop)
    assert (wanted.conditions, wanted.other_colour) == ([], False)
    encoder = OnnxEncoder(SHIPPED_MODEL)
    before = encoder.encode([plain_image()]).embeddings[0]
    after = wanted.recoloured(encoder, before)
    assert not (after == before).all()
    assert wanted_by("in wool", shop).recoloured(encoder, before) is before


def plain_image():
    from tests.helpers.pictures import picture

    return picture(3)


def test_wanted_by__says_which_words_were_understood(shop):
    assert wanted_by("the hoodie in dark turquoise with kilts", shop).words == {
        "hoodie": True,
        "dark": True,
        "turquoise": True,
        "kilts": False,
    }


def test_wanted_by__of_a_shop_without_words_says_nothing(shop, monkeypatch):
    monkeypatch.setattr(ProductCatalog, "search_fields", ())
    assert wanted_by("kilt", shop).words == {}
