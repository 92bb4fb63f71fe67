"""Make, change and undo ranking rules as a merchandiser does."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from shop.models import Product
from tests.helpers.pictures import picture
from tests.helpers.reindex import reindex
from tests.helpers.rules import effects, rule, stock_rule
from visualsearch.analytics.local_time import start_of
from visualsearch.models import Experiment, RankingRule, RuleChange, Storefront

from .conftest import messages_of

pytestmark = pytest.mark.django_db

BASE = "admin:visualsearch_rankingrule"
LIST, ADD = reverse(f"{BASE}_changelist"), reverse(f"{BASE}_add")
PRODUCTS, MATCHES, STOCK = (reverse(f"{BASE}_{name}") for name in ("products", "matches", "stock"))


def change(made):
    return reverse(f"{BASE}_change", args=[made.pk])


def posted(**values):
    """Return what the form posts for a rule that pins P1 everywhere."""
    names = ("name", "strength", "category", "label", "storefront", "experiment", "first", "last")
    fields = dict.fromkeys(names, "")
    fields |= {"action": "pin", "selection": "chosen", "products": "P1", "active": "on"}
    return fields | values


def errors(response) -> str:
    form = response.context["adminform"].form
    return " ".join(text for texts in form.errors.values() for text in texts)


def undo(client, made):
    url = reverse(f"{BASE}_undo", args=[RuleChange.objects.filter(rule=made.pk).first().pk])
    return client.post(url, follow=True)


def test_add__pins_products_for_a_category(admin_client, sold):
    admin_client.post(ADD, posted(products="P3\r\n P1 \r\nP3\r\n", category="Shirt"))
    made = RankingRule.objects.get()
    assert (made.action, made.keys, made.category) == ("pin", ["P3", "P1"], "shirt")
    assert made.name == "Product P3 (P3) + 1"
    # Saved without a change, the category stays, although its name is shown.
    page = admin_client.get(change(made)).content.decode()
    assert 'value="Shirt"' in page
    admin_client.post(change(made), posted(products="P3", category="Shirt"))
    made.refresh_from_db()
    assert (made.keys, made.category) == (["P3"], "shirt")


def test_add__boosts_a_season_by_a_filter(admin_client, indexed):
    today = timezone.localdate()
    season = {"first": today.isoformat(), "last": (today + timedelta(days=9)).isoformat()}
    values = posted(action="boost", selection="filter", strength="15", **season)
    admin_client.post(ADD, values | {"filter-min_price": "16", "filter-color": ""})
    made = RankingRule.objects.get()
    assert (made.filters, made.keys, made.boost) == ("min_price=16", [], 0.15)
    assert (made.starts, made.ends) == (start_of(today), start_of(today + timedelta(days=10)))
    assert [effects().of(f"P{n}").boost for n in (5, 6, 7)] == [0, 0.15, 0.15]
    form = admin_client.get(change(made)).context["adminform"].form
    assert (form.initial["first"], form.initial["last"]) == (today, today + timedelta(days=9))
    assert form.filter_form.data["filter-min_price"] == "16"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"action": ""}, "This field is required"),
        ({"products": ""}, "Choose at least one product"),
        ({"products": "P1\nX9"}, "has the key X9"),
        ({"selection": "filter"}, "needs products that you choose"),
        ({"action": "hide", "selection": "filter"}, "at least one field of the filter"),
        ({"action": "hide", "selection": "filter", "filter-min_price": "x"}, "Enter a number"),
        ({"action": "boost", "selection": "out_of_stock"}, "“Show later” or “Never show”"),
        ({"category": "Submarines"}, "No product is in the category “Submarines”"),
        ({"first": "2026-05-02", "last": "2026-05-01"}, "before the first one"),
        ({"products": "\n".join(map(str, range(1001)))}, "at most 1000 products"),
    ],
)
def test_add__refuses_what_cannot_act(admin_client, sold, values, text):
    assert text in errors(admin_client.post(ADD, posted(**values)))
    assert not RankingRule.objects.exists()


def test_change__keeps_a_product_that_left_the_shop(admin_client, sold):
    made = rule("hide", "P1", "P2")
    Product.objects.filter(sku="P2").update(published=False)
    admin_client.post(change(made), posted(action="hide", products="P1\nP2", name="kept"))
    made.refresh_from_db()
    assert (made.name, made.keys) == ("kept", ["P1", "P2"])


def test_form__offers_what_the_shop_can_tell(admin_client, sold, monkeypatch):
    def offered():
        form = admin_client.get(ADD).context["adminform"].form
        return [value for value, _text in form.fields["selection"].choices]

    assert offered() == ["chosen", "filter", "out_of_stock"]
    monkeypatch.setattr("shop.visual.ProductCatalog.out_of_stock", {})
    monkeypatch.setattr("shop.visual.ProductCatalog.filterset_class", None)
    assert offered() == ["chosen"]


def test_stock__is_one_switch(admin_client, indexed):
    Product.objects.filter(sku="P1").update(stock=0)
    seen = []
    for action in ("bury", "hide", "", "hide"):
        admin_client.post(STOCK, {"action": action})
        found = effects()
        effect = found.of("P1") if found else None
        seen.append(effect and (effect.buried, effect.hidden))
        pressed = [text for _a, text, chosen in admin_client.get(LIST).context["stock"] if chosen]
        assert pressed == [{"bury": "Last", "hide": "Hidden", "": "In its place"}[action]]
    assert seen == [(True, False), (False, True), None, (False, True)]
    assert RankingRule.objects.count() == 1


def test_stock__leaves_rules_with_conditions_alone(admin_client, sold):
    own = stock_rule("bury", category="shirt")
    admin_client.post(STOCK, {"action": "hide"})
    own.refresh_from_db()
    assert (own.action, RankingRule.objects.count()) == ("bury", 2)


def test_history__tells_old_and_new_values(admin_client, sold):
    made = rule("hide", "P1")
    values = posted(action="bury", products="P1", name="r", last="2026-12-24")
    admin_client.post(change(made), values)
    entry = admin_client.get(change(made)).context["changes"][0]
    lines = {str(line.label): (line.old, line.new) for line in entry.lines}
    assert lines == {
        "what to do": ("Never show", "Show later"),
        "until": ("–", "12/24/2026"),
    }
    assert entry.change.user == "admin"


def test_history__has_no_entry_of_nothing(admin_client, sold):
    made = rule("pin", "P1", starts=start_of(date(2026, 5, 1)))
    admin_client.post(change(made), posted(name="r", first="2026-05-01"))
    assert not RuleChange.objects.exists()


def test_undo__restores_the_values_of_one_change(admin_client, indexed):
    made = rule("hide", "P1")
    admin_client.post(change(made), posted(action="hide", products="P2", name="r"))
    assert effects().of("P2").hidden
    response = undo(admin_client, made)
    assert "undone" in messages_of(response)[-1]
    assert (effects().of("P1").hidden, effects().of("P2").hidden) == (True, False)
    undo(admin_client, made)  # undo what was undone
    assert effects().of("P2").hidden


def test_undo__of_a_deletion_brings_the_rule_back(admin_client, indexed):
    made = rule("hide", "P1", ends=timezone.now() + timedelta(days=1))
    admin_client.post(reverse(f"{BASE}_delete", args=[made.pk]), {"post": "yes"})
    assert effects() is None
    undo(admin_client, made)
    back = RankingRule.objects.get()
    assert (back.pk, back.keys, back.ends) == (made.pk, ["P1"], made.ends)
    assert effects().of("P1").hidden


def test_undo__of_a_new_rule_deletes_it(admin_client, indexed):
    admin_client.post(ADD, posted())
    made = RankingRule.objects.get()
    undo(admin_client, made)
    assert not RankingRule.objects.exists()
    undo(admin_client, made)
    assert RankingRule.objects.get().keys == ["P1"]


def test_undo__says_why_it_cannot(admin_client, sold):
    shop = Storefront(name="app")
    shop.new_key()
    shop.save()
    made = rule("hide", "P1", storefront=shop)
    admin_client.post(change(made), posted(action="hide", name="r"))
    shop.delete()
    assert "cannot be undone" in messages_of(undo(admin_client, made))[-1]


def test_switch__turns_a_rule_off_and_on(admin_client, indexed):
    made = rule("hide", "P1")
    url = reverse(f"{BASE}_switch", args=[made.pk])
    assert "switched off" in messages_of(admin_client.post(url, follow=True))[0]
    assert effects() is None
    admin_client.post(url)
    assert effects().of("P1").hidden
    selected = {"action": "switch_off", "_selected_action": [made.pk]}
    admin_client.post(LIST, selected)
    assert effects() is None
    assert RuleChange.objects.count() == 3


def test_list__tells_the_state(admin_client, sold, versions_of):
    now = timezone.now()
    ended = Experiment.objects.create(name="old", version=versions_of, running=None)
    rule("hide", "P1", name="a")
    rule("hide", "P1", name="b", active=False)
    rule("hide", "P1", name="c", starts=now + timedelta(days=1))
    rule("hide", "P1", name="d", ends=now - timedelta(days=1))
    rule("hide", "P1", name="e", experiment=ended)
    page = admin_client.get(LIST).content.decode()
    for text in (">on<", ">off<", ">scheduled<", ">ended<", ">experiment has ended<"):
        assert text in page


@pytest.fixture
def versions_of(sold):
    """A version of the index."""
    return reindex().version


def test_list__asks_the_database_as_often_for_many_rules(admin_client, sold, queries):
    for n in range(3):
        rule("hide", filters=f"min_price={n}", category="shirt")
    few = queries(admin_client, LIST)
    for n in range(20):
        rule("hide", filters=f"min_price={n}", category="shirt")
    assert queries(admin_client, LIST) == few


def test_products__are_found_by_key_and_name(admin_client, sold, sell):
    sell("X7", picture(9), name="Summer dress, red")

    def found(text):
        answer = admin_client.get(PRODUCTS, {"q": text}).json()["products"]
        return [each["key"] for each in answer]

    assert found("X7") == ["X7"]
    assert found("dress summer") == ["X7"]
    assert found("nothing") == []
    assert len(found("product")) == 8
    one = admin_client.get(PRODUCTS, {"key": ["X7", "gone"]}).json()["products"]
    assert [each["name"] for each in one] == ["Summer dress, red", "gone"]
    assert one[0]["image"].startswith("/media/")


def test_products__without_an_admin_of_the_shop(admin_client, sold, sell, monkeypatch):
    sell("X7", picture(9), name="Summer dress, red")
    monkeypatch.setattr("shop.admin.ProductAdmin.search_fields", [])
    answer = admin_client.get(PRODUCTS, {"q": "mer dre"}).json()["products"]
    assert [each["key"] for each in answer] == ["X7"]


def test_matches__counts_with_pictures(admin_client, sold):
    values = posted(action="hide", selection="filter") | {"filter-min_price": "15"}
    page = admin_client.post(MATCHES, values).content.decode()
    assert "3 products on sale match now" in page
    assert page.count("<img") == 3
    Product.objects.filter(sku="P2").update(published=False)
    page = admin_client.post(MATCHES, posted(products="P1\nP2")).content.decode()
    assert "has the key P2" in page


def test_matches__what_is_not_filled_in_yet_is_no_error(admin_client, sold):
    for values, text in (
        ({"selection": "filter"}, "Fill in a field"),
        ({"products": " "}, "No product is chosen yet"),
    ):
        page = admin_client.post(MATCHES, posted(**values)).content.decode()
        assert text in page
        assert "vs-reason" not in page
    page = admin_client.post(ADD, posted(selection="filter")).content.decode()
    assert "Fill in at least one field of the filter." in page


def test_list__without_rules_says_what_they_are_for(admin_client, sold):
    page = admin_client.get(LIST).content.decode()
    assert "A rule shows some products first" in page
    rule("hide", "P1")
    assert "A rule shows some products first" not in admin_client.get(LIST).content.decode()


def test_names__are_escaped(admin_client, sold):
    made = rule("hide", "P1", name="<b>x</b>")
    admin_client.post(change(made), posted(name="<i>y</i>", action="hide"))
    for url in (LIST, change(made)):
        page = admin_client.get(url).content.decode()
        assert "<i>y" not in page
        assert "<b>x" not in page


def test_viewer__reads_the_rule_in_words(staff, sold):
    made = rule("hide", "P1", category="shirt")
    page = staff("view_rankingrule").get(change(made)).content.decode()
    assert "Never show" in page
    assert "category: Shirt" in page
    assert "_save" not in page


def test_editor__without_permission_to_delete_cannot_undo_into_a_deletion(staff, sold):
    made = rule("hide", "P1")
    RuleChange.objects.create(rule=made.pk, name="r", user="x", before=None, after={})
    response = undo(staff("view_rankingrule", "change_rankingrule"), made)
    assert response.status_code == 403
    assert RankingRule.objects.exists()
