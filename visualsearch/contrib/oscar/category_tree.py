"""The shop's category tree, and the classes of the model that match its categories."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Exists, OuterRef
from oscar.core.loading import get_model

from ...class_names import NAMES, WORDS, class_name, words_in

Category = get_model("catalogue", "Category")
ProductCategory = get_model("catalogue", "ProductCategory")


@dataclass(frozen=True, kw_only=True)
class Node:
    """A category that customers can browse.

    ``path``: its place in the tree; paths of descendants begin with it. ``slugs``: its slug after
    those of its ancestors, such as ``clothing/dresses``. ``sold``: whether it has a product of its
    own.
    """

    pk: int
    path: str
    slugs: str
    name: str
    sold: bool

    @property
    def names(self) -> set[str]:
        """The values of the filter ``category`` that select it, in lower case."""
        return {self.slugs.lower(), self.slugs.rpartition("/")[2].lower(), self.name.lower()}


def nodes() -> list[Node]:
    """Return all categories that customers can browse, parents first, with one query."""
    products = ProductCategory.objects.filter(
        category=OuterRef("pk"), product__is_public=True, product__parent=None
    )
    rows = Category.objects.browsable().annotate(sold=Exists(products)).order_by("path")
    slugs: dict[str, str] = {}
    found = []
    for pk, path, slug, name, sold in rows.values_list("pk", "path", "slug", "name", "sold"):
        parent = slugs.get(path[: -Category.steplen])
        slugs[path] = f"{parent}/{slug}" if parent else slug
        found.append(Node(pk=pk, path=path, slugs=slugs[path], name=name, sold=sold))
    return found


def selected_by(value: str) -> list[int]:
    """Return the primary keys of the categories that a value of the filter selects.

    ``value``: the path of slugs, the slug or the name of a category, or a class of the model. The
    descendants of a category are included.
    """
    tree = nodes()
    chosen = [node for node in tree if value.lower() in node.names] or of_class(value, tree)
    paths = tuple(node.path for node in chosen)
    return [node.pk for node in tree if node.path.startswith(paths)] if paths else []


def of_class(label: str, tree: Iterable[Node]) -> list[Node]:
    """Return the categories whose name has a word for a class of the model."""
    words = words_for(label)
    return [node for node in tree if words_in(node.name) & words]


def words_for(label: str) -> set[str]:
    """Return the English words for a class of the model, and its name in the active language."""
    if label not in NAMES:
        return {label.lower()}
    name = class_name(label)
    own = {word for word in words_in(name) if word.count(" ") == name.count(" ")}
    return WORDS[label] | own


def classes_sold(labels: Iterable[str]) -> set[str]:
    """Return those classes that match a category with products, in it or below it."""
    tree = nodes()
    step = Category.steplen
    sold = {node.path[:end] for node in tree if node.sold for end in range(step, 256, step)}
    offered = [node for node in tree if node.path in sold]
    return {label for label in labels if of_class(label, offered)}


def name_of(value: str) -> str | None:
    """Return the name of the category that a value of the filter selects, None if there is none."""
    return next((node.name for node in nodes() if value.lower() in node.names), None)
