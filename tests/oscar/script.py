"""Set up the shop's database, sell pictures, and search over HTTP."""

from __future__ import annotations

import io
import re
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.helpers.pictures import encoded, picture


def start() -> None:
    """Set up Django."""
    django.setup()


def make_tables() -> None:
    """Create the shop's empty tables."""
    django.setup()
    call_command("migrate", verbosity=0)


def category(*names: str) -> Any:
    """Return the category at the end of a path of names, and create what is missing."""
    from oscar.apps.catalogue.categories import create_from_sequence

    return create_from_sequence(names)[-1]


def product_class(name: str = "Clothing") -> Any:
    from oscar.apps.catalogue.models import ProductClass

    return ProductClass.objects.get_or_create(name=name)[0]


def sell(title: str, *seeds: int, price: str = "10.00", into: Any = None, **values: Any) -> Any:
    """Create a product with pictures, a price and ten pieces in stock."""
    from oscar.apps.catalogue.models import Product

    stock = values.pop("stock", 10)
    if "parent" not in values:
        values = {"product_class": product_class(), **values}
    product = Product.objects.create(title=title, **values)
    if into is not None:
        product.categories.add(into)
    for seed in seeds:
        show(product, seed)
    if product.structure != Product.PARENT and price:
        offer(product, price, stock)
    return product


def offer(product: Any, price: str, stock: int = 10) -> Any:
    """Create a stock record of a product."""
    from oscar.apps.partner.models import Partner, StockRecord

    partner = Partner.objects.get_or_create(name="Mill")[0]
    return StockRecord.objects.create(
        product=product,
        partner=partner,
        partner_sku=f"SKU-{product.pk}",
        price=Decimal(price),
        num_in_stock=stock,
    )


def show(product: Any, seed: int) -> Any:
    """Add a picture to a product."""
    file = ContentFile(encoded(picture(seed), "PNG"), f"{seed}.png")
    return product.images.create(original=file, display_order=product.images.count())


def parent(title: str, **values: Any) -> Any:
    """Create a product that has variants."""
    return sell(title, structure="parent", **values)


def variant(of: Any, *seeds: int, **values: Any) -> Any:
    """Create a variant of a product."""
    return sell("", *seeds, structure="child", parent=of, **values)


def index() -> None:
    call_command("visualsearch_index", verbosity=0, stdout=io.StringIO())


def search(seed: int, client: Client | None = None, **query: Any) -> dict[str, Any]:
    """Return the response to a search with a picture."""
    upload = SimpleUploadedFile("photo.png", encoded(picture(seed), "PNG"))
    address = "/api/visual-search/search/"
    answer = (client or Client()).post(address, {"image": upload, **query}, query_params=query)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def names(seed: int, **query: Any) -> list[str]:
    """Return the names of what is found, best first."""
    return [each["product"]["name"] for each in search(seed, **query)["results"]]


def exact(seed: int) -> list[str]:
    """Return the names of the products that show this very picture."""
    found = search(seed)["results"]
    return sorted(each["product"]["name"] for each in found if each["score"] > 0.999)


def page(path: str, client: Client | None = None, status: int = 200) -> str:
    """Return the text of a page."""
    answer = (client or Client()).get(path)
    assert answer.status_code == status, (path, answer.status_code)
    return answer.content.decode()


def upload(seed: int, client: Client | None = None) -> str:
    """Return the page with the results of a picture that is sent with the form."""
    file = SimpleUploadedFile("photo.png", encoded(picture(seed), "PNG"))
    answer = (client or Client()).post("/search/photo/", {"image": file})
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def cards(text: str) -> list[tuple[str, str]]:
    """Return the names and prices of the cards on a page."""
    pattern = r'<h3[^>]*><a [^>]*>([^<]*)<.*?price_color">([^<]*)<'
    return re.findall(pattern, text, re.S)


def user(name: str, *permissions: str, **values: Any) -> Any:
    """Create a user with some permissions of this app."""
    from django.contrib.auth.models import Permission, User

    created = User.objects.create_user(name, f"{name}@shop.example", "x", **values)
    created.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return created


def logged_in(person: Any) -> Client:
    client = Client()
    client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return client


def queries(work: Any) -> int:
    """Return how many database queries a function needs."""
    with CaptureQueriesContext(connection) as found:
        work()
    return len(found)


def form_fields(text: str) -> dict[str, str]:
    """Return the names and values of the fields of the forms on a page, as a browser sends them."""
    reader = FormReader()
    reader.feed(text)
    return reader.fields


class FormReader(HTMLParser):
    """Reads the fields of forms; files, buttons and unchecked boxes have no value."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.field = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """Store the value of a field that starts here."""
        found = dict(attrs)
        name, kind = found.get("name"), found.get("type", "text")
        if tag in ("select", "textarea") and name:
            self.field = name
            self.fields.setdefault(name, "")
        elif tag == "option" and "selected" in found:
            self.fields[self.field] = found.get("value", "")
        elif tag == "input" and name and sends_value(kind, found):
            self.fields[name] = found.get("value") or ("on" if kind == "checkbox" else "")

    def handle_data(self, data: str) -> None:
        """Store the text of a textarea."""
        if self.lasttag == "textarea" and self.field in self.fields:
            self.fields[self.field] = self.fields[self.field] or data.strip()


def sends_value(kind: str, attributes: dict[str, Any]) -> bool:
    """Return whether a browser sends the value of an input of this type."""
    if kind in ("checkbox", "radio"):
        return "checked" in attributes
    return kind not in ("file", "submit", "button")


def template(name: str, text: str) -> None:
    """Write a template of the shop's own."""
    file = Path(settings.TEMPLATES[0]["DIRS"][0], name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
