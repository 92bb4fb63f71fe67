"""Actions of a shop's owner in the admin, over HTTP."""

from __future__ import annotations

import re

from tests.helpers.pictures import encoded, picture
from tests.stack.browser import Answer, Browser


def add_product(owner: Browser, sku: str, seed: int) -> Answer:
    """Add a product with one picture by the admin's form."""
    owner.get("/admin/shop/product/add/")
    category = ids(owner.get("/admin/shop/category/").text, "category")[0]
    fields = {
        "sku": sku,
        "name": f"Product {sku}",
        "category": category,
        "price": "20.00",
        "published": "on",
        "images-TOTAL_FORMS": 1,
        "images-INITIAL_FORMS": 0,
        "images-0-position": 0,
    }
    photo = ("new.jpg", "image/jpeg", encoded(picture(seed, (300, 400)), quality=92))
    answer = owner.post("/admin/shop/product/add/", fields, {"images-0-image": photo})
    assert (answer.status, answer.path) == (200, "/admin/shop/product/"), errors(answer)
    return answer


def hide_product(owner: Browser, sku: str) -> Answer:
    """Hide a product by the action of the list."""
    fields = {"action": "hide", "_selected_action": product_id(owner, sku), "index": 0}
    return changed(owner.post("/admin/shop/product/", fields))


def publish_product(owner: Browser, sku: str) -> Answer:
    """Publish a product by the action of the list."""
    fields = {"action": "publish", "_selected_action": product_id(owner, sku), "index": 0}
    return changed(owner.post("/admin/shop/product/", fields))


def delete_product(owner: Browser, sku: str) -> Answer:
    """Delete a product and confirm."""
    path = f"/admin/shop/product/{product_id(owner, sku)}/delete/"
    owner.get(path)
    answer = owner.post(path, {"post": "yes"})
    assert (answer.status, answer.path) == (200, "/admin/shop/product/"), errors(answer)
    return answer


def reindex(owner: Browser, scope: str) -> Answer:
    """Start a run by the button above the list of runs."""
    owner.get("/admin/visualsearch/run/")
    answer = owner.post("/admin/visualsearch/run/reindex/", {"scope": scope})
    assert (answer.status, answer.path) == (200, "/admin/visualsearch/run/"), errors(answer)
    return answer


def product_id(owner: Browser, sku: str) -> str:
    """Find a product's primary key by the admin's search."""
    return ids(owner.get(f"/admin/shop/product/?q={sku}").text, "product")[0]


def ids(page: str, model: str) -> list[str]:
    """Return the primary keys of the rows of a list page."""
    return re.findall(rf"/admin/shop/{model}/(\d+)/change/", page)


def changed(answer: Answer) -> Answer:
    """Check that an action reports one changed product; return the answer."""
    assert answer.status == 200
    assert "1 product changed." in answer.text, errors(answer)
    return answer


def errors(answer: Answer) -> list[str]:
    """Return the error messages of a rejected form."""
    return re.findall(r'class="(?:errorlist|errornote|error|messagelist)".*', answer.text)
