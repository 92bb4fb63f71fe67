"""Storefronts: external clients that search with an API key."""

from __future__ import annotations

import hashlib
import secrets

from django.db import models
from django.utils.translation import gettext_lazy as _

from .primary import CatalogModel

PREFIX = 8


class Storefront(CatalogModel):
    """An external client with an API key; only that key gives access to the queries made with it.

    The key is shown once; only its hash is stored, unsalted, because keys are random enough.
    """

    name = models.CharField(_("name"), max_length=100, unique=True)
    prefix = models.CharField(_("key prefix"), max_length=PREFIX, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    active = models.BooleanField(_("active"), default=True)
    rate = models.CharField(
        _("rate"),
        max_length=20,
        default="600/min",
        help_text=_("Maximum number of photos for all its customers together, such as 600/min."),
    )
    quota = models.PositiveIntegerField(
        _("quota"),
        null=True,
        blank=True,
        help_text=_("Maximum number of photos per day; empty for no limit."),
    )
    created = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta(CatalogModel.Meta):
        ordering = ["name"]
        verbose_name = _("storefront")
        verbose_name_plural = _("storefronts")

    def __str__(self) -> str:
        return self.name

    def new_key(self) -> str:
        """Return a new key and store its hash in this object; call ``save()`` afterwards.

        The old key stops working when the object is saved.
        """
        key = f"vs_{secrets.token_urlsafe(32)}"
        self.prefix, self.digest = key[:PREFIX], digest(key)
        return key

    @classmethod
    def of_key(cls, key: str) -> Storefront | None:
        """Return the active storefront with this key, None if the key is unknown or deactivated."""
        return cls.objects.filter(digest=digest(key), active=True).first()


def digest(key: str) -> str:
    """Return the SHA-256 of a key in hexadecimal, which is stored in place of the key."""
    return hashlib.sha256(key.encode()).hexdigest()
