"""Which products the ranking rules select: read from the shop, and kept as a bit mask by item."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.db import DatabaseError
from django.http import QueryDict

from ..catalogs import catalog
from ..models import RankingRule
from .requests import values_of

logger = logging.getLogger(__name__)
Kind = RankingRule.Products


class Selection(NamedTuple):
    """The products of a rule: ``keys`` if they are chosen, or a query string with ``filters``."""

    kind: str
    keys: tuple[str, ...] = ()
    filters: str = ""

    @classmethod
    def of(cls, rule: RankingRule) -> Selection:
        """Return the selection of a rule; rules with the same products share one."""
        if rule.selection == Kind.CHOSEN:
            return cls(rule.selection, keys=tuple(rule.keys))
        return cls(rule.selection, filters=rule.filters if rule.selection == Kind.FILTER else "")

    def read(self) -> list[str]:
        """Return the keys of the selected items now, with at most one database query.

        Raises ValidationError for a filter that the shop does not accept.
        """
        if self.kind == Kind.CHOSEN:
            return list(self.keys)
        source = catalog()
        if self.kind == Kind.OUT_OF_STOCK:
            sold_out = source.sold_out()
            rows = None if sold_out is None else source.keys_as_text(sold_out)
        else:
            rows = source.filtered_keys(values_of(QueryDict(self.filters)))
        return [] if rows is None else list(rows.values_list("key_as_text", flat=True))

    def safe_read(self) -> frozenset[str]:
        """Return the same as a set; an empty one, after logging the error, if the shop fails.

        So a filter that a later release of the shop lacks stops one rule, and no search. Raises
        errors of the database.
        """
        try:
            return frozenset(self.read())
        except DatabaseError:
            raise
        except ValidationError as error:
            logger.error("A ranking rule's filter %r is refused: %s", self.filters, error.messages)
        except Exception:
            logger.exception("The products of a ranking rule (%r) cannot be read.", self)
        return frozenset()


@dataclass(frozen=True, kw_only=True)
class Products:
    """The products of some selections; never changed once it is made, so threads can share it.

    ``bits``: the bit of each selection, a power of two. ``masks``: by item key, the bits of the
    selections that contain it. ``keys``: the same by selection. ``read``: time.monotonic() when the
    shop was asked.
    """

    bits: Mapping[Selection, int] = field(default_factory=dict)
    masks: Mapping[str, int] = field(default_factory=dict)
    keys: Mapping[Selection, frozenset[str]] = field(default_factory=dict)
    read: float = field(default_factory=time.monotonic)

    @property
    def can_change(self) -> bool:
        """Whether the shop's data decide which products some selection contains."""
        return any(each.kind != Kind.CHOSEN for each in self.keys)

    def extended(self, wanted: Iterable[Selection]) -> Products:
        """Return these products with those of the selections in ``wanted`` that are missing.

        Only these are read from the shop. Selections that are no longer wanted stay in ``masks``
        until the next :func:`read_products`.
        """
        wanted = set(wanted)
        missing = [each for each in sorted(wanted) if each not in self.bits]
        if not missing:
            return self
        first = max(self.bits.values(), default=0).bit_length()
        bits, masks, keys = dict(self.bits), dict(self.masks), dict(self.keys)
        for place, selection in enumerate(missing, first):
            bits[selection], keys[selection] = 1 << place, selection.safe_read()
            for key in keys[selection]:
                masks[key] = masks.get(key, 0) | bits[selection]
        return Products(bits=bits, masks=masks, keys=keys, read=self.read)


def read_products(wanted: Iterable[Selection]) -> Products:
    """Return the products of some selections, all read from the shop now."""
    return Products().extended(wanted)
