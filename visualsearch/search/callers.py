"""Identify the caller of a search."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.crypto import salted_hmac


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The client that sent a search.

    ``storefront``: primary key of its Storefront, None for the shop's own pages. ``visitor``: the
    pseudonym to store, "" for an anonymous visitor. ``place``: the text that is hashed to assign
    the visitor to a variant of an experiment, "" to leave the visitor out of experiments; it is not
    stored.
    """

    storefront: int | None = None
    visitor: str = ""
    place: str = ""


NOBODY = Caller()


def pseudonym(kind: str, name: object, storefront: int | None = None) -> str:
    """Return the id to store for a visitor: a keyed hash of 32 hexadecimal digits.

    ``kind``: namespace of ``name``, such as "user". The same kind and name give the same id within
    a storefront, and different ids in different storefronts. The name cannot be computed from the
    id.
    """
    whole = f"{storefront or ''}:{kind}:{name}"
    return salted_hmac("visualsearch.visitor", whole, algorithm="sha256").hexdigest()[:32]
