"""Find the items that words describe, with the text search of the shop's database.

PostgreSQL's full-text search knows the forms of a word, and with the extension ``pg_trgm`` a word
that it does not find is also found misspelled. Other databases search for the letters of a word
without its plural ending.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, reduce
from operator import or_
from typing import Any

from django.conf import settings
from django.core.exceptions import FieldDoesNotExist
from django.db import connections
from django.db.models import F, Model, Q, Value

from .fields import is_to_many, path_of, split_relation
from .groups import plain
from .item_rows import ItemRows

MOST_WORDS = 8
"""Words beyond this number are ignored."""

# Most rows of another table, such as categories, whose keys are listed in a query; with more, the
# database looks for the word in each query.
LISTED = 200

# fmt: off
STOP_WORDS = frozenset({
    "a", "an", "and", "any", "as", "at", "au", "aux", "avec", "but", "by", "ce", "ces", "cette",
    "comme", "dans", "de", "des", "du", "en", "et", "for", "from", "i", "in", "is", "it", "je",
    "la", "le", "les", "like", "mais", "me", "mon", "my", "of", "on", "or", "ou", "par", "please",
    "pour", "que", "sans", "semblable", "similar", "some", "sur", "that", "the", "these", "this",
    "those", "to", "un", "une", "veux", "want", "with", "without",
})
# fmt: on
"""English and French words that describe no product."""

# Names of PostgreSQL's text search configurations, by language code.
LANGUAGES = {
    "da": "danish",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "it": "italian",
    "nb": "norwegian",
    "nl": "dutch",
    "pt": "portuguese",
    "ru": "russian",
    "sv": "swedish",
}


def split_words(text: str) -> list[str]:
    """Return the words of a text in lower case that may describe a product, each once.

    An e-mail address describes none.
    """
    text = re.sub(r"\S*@\S*", " ", text.lower())
    words = re.findall(r"[^\W_]+(?:[-'’][^\W_]+)*", text)
    return list(dict.fromkeys(word for word in words if word not in STOP_WORDS))[:MOST_WORDS]


def condition(source: ItemRows, word: str) -> Q | None:
    """Return the condition for the items that a word describes, None if the shop names no fields.

    The default of :meth:`CatalogSource.word_condition`.
    """
    if not source.search_fields:
        return None
    own, related = fields_by_relation(source)
    using = plain(source.visible()).db
    found = text_condition(own, word, using) if own else Q()
    for relation, (model, fields) in related.items():
        rows = (
            model._base_manager.using(using).order_by().filter(text_condition(fields, word, using))
        )
        keys = list(rows.values_list("pk", flat=True).distinct()[: LISTED + 1])
        of_items = Q(**{f"{relation}__in": keys if len(keys) <= LISTED else rows.values("pk")})
        if is_to_many(path_of(source.model, relation)):
            # A join would list an item once per related row, and compare words with one row only.
            items = source.model._base_manager.using(using).filter(of_items)
            of_items = Q(pk__in=items.values("pk"))
        found |= of_items
    return found


def misspelled(source: ItemRows, word: str) -> Q | None:
    """Return the condition for the items that have a word much like this one in their own fields.

    None where the database cannot compare words: it needs PostgreSQL with ``pg_trgm``.
    """
    own, _related = fields_by_relation(source)
    using = plain(source.visible()).db
    if not (own and has_trigrams(using)):
        return None
    from django.contrib.postgres.lookups import TrigramWordSimilar

    similar = [Q(TrigramWordSimilar(F(field), Value(word))) for field in own]
    return reduce(or_, similar)


def fields_by_relation(
    source: ItemRows,
) -> tuple[list[str], dict[str, tuple[type[Model], list[str]]]]:
    """Return the search fields of the items themselves, and those of related rows.

    The latter are in a dict by the lookup of the relation: the related model, and its fields.
    """
    own: list[str] = []
    related: dict[str, tuple[type[Model], list[str]]] = {}
    for lookup in source.search_fields:
        try:
            relation, field = split_relation(source.model, lookup)
        except FieldDoesNotExist:
            relation, field = "", lookup  # an annotation of visible()
        if relation:
            model: Any = path_of(source.model, relation)[-1].related_model
            related.setdefault(relation, (model, []))[1].append(field)
        else:
            own.append(field)
    return own, related


def text_condition(fields: Sequence[str], word: str, using: str) -> Q:
    """Return the condition for rows one of whose fields contains a word.

    ``using``: alias of the database.
    """
    if connections[using].vendor == "postgresql":
        from django.contrib.postgres.search import SearchQuery, SearchVector, SearchVectorExact

        vector = SearchVector(*fields, config=language())
        return Q(SearchVectorExact(vector, SearchQuery(word, config=language())))
    stem = re.sub(r"(?<=...)s$|(?<=...s)es$", "", word)
    return reduce(or_, [Q(**{f"{field}__icontains": stem}) for field in fields])


def language() -> str:
    """Return PostgreSQL's name for the shop's language."""
    return LANGUAGES.get(settings.LANGUAGE_CODE.split("-")[0], "simple")


@cache
def has_trigrams(using: str) -> bool:
    """Return whether a database is PostgreSQL with the extension ``pg_trgm``."""
    if connections[using].vendor != "postgresql":
        return False
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
        return cursor.fetchone() is not None
