"""Record the rank at which a search showed each product, and the words that it was shown for."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .. import conf
from ..models import Query
from ..models.primary import atomic
from .results import SearchResult

# Most products of one query whose rank is stored; only a crawler pages further.
SHOWN_AT_MOST = 1000
# Most words of one query that are kept, and most characters of a word.
WORDS_AT_MOST, LONGEST_WORD = 24, 40


def rank_by_item(result: SearchResult, offset: int = 0) -> dict[str, int]:
    """Return the rank of each hit and of its variants by item key.

    The first hit has the rank ``offset`` + 1; in the hits of an object, the first has the rank 1.
    """
    ranks: dict[str, int] = {}
    rows = [(offset, result.hits)] + [(0, each.hits) for each in result.per_object or []]
    for before, hits in rows:
        for place, hit in enumerate(hits, before + 1):
            for item in (hit.item, *(each.item for each in hit.variants)):
                ranks.setdefault(item, place)
    return ranks


def words_to_keep(words: Mapping[str, bool]) -> dict[str, bool]:
    """Return the words to store with their query; {} unless ``KEEP_WORDS``.

    Words with five digits or without letters, such as those of a telephone number, are left out.
    """
    if not conf.get("KEEP_WORDS"):
        return {}
    return {
        word: understood
        for word, understood in words.items()
        if len(word) <= LONGEST_WORD
        and re.search(r"[^\W\d_]", word)
        and not re.search(r"\d{5}", word)
    }


def store_ranks(
    query: Query,
    new: dict[str, int],
    rules: Mapping[str, list[str]] | None = None,
    words: Mapping[str, bool] | None = None,
) -> None:
    """Store the ranks of products on a later page in ``query.shown``.

    A newer rank of a product replaces its older one. ``rules``: the products that each rule acted
    on, to add to ``query.rules``; ``words``: those to add to ``query.words``. Nothing is stored
    beyond :data:`SHOWN_AT_MOST` products.
    """
    words = dict(words or {})
    if new.items() <= query.shown.items() and words.items() <= (query.words or {}).items():
        return
    with atomic():
        # Two pages of one query may be requested at the same time.
        rows = Query.objects.select_for_update().only("shown", "rules", "words")
        row = rows.filter(pk=query.pk).first()
        shown = (row.shown if row else {}) | new
        if row and len(shown) <= SHOWN_AT_MOST:
            acted = dict(row.rules or {})
            for rule, items in (rules or {}).items():
                acted[rule] = list(dict.fromkeys([*acted.get(rule, []), *items]))
            kept = dict([*(row.words or {}).items(), *words.items()][:WORDS_AT_MOST])
            Query.objects.filter(pk=query.pk).update(
                shown=shown, rules=acted or None, words=kept or None
            )
