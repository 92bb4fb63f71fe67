"""Staff with few permissions, and pictures that fail."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from shop.models import Product, ProductImage


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """Nobody attacks these accounts."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def staff(db) -> Callable[..., Client]:
    """Somebody who may do this and no more: ``staff("view_run", "add_run")``."""

    def make(*codenames: str) -> Client:
        user = User.objects.create_user("-".join(codenames) or "nobody", is_staff=True)
        permissions = Permission.objects.filter(codename__in=codenames)
        assert len(permissions) == len(codenames)
        user.user_permissions.set(permissions)
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def broken(db) -> Callable[[Product], ProductImage]:
    """Give a product a picture that is none."""

    def add(product: Product) -> ProductImage:
        content = ContentFile(b"no picture", f"{product.sku}-broken.png")
        return product.images.create(image=content, position=9)

    return add


@pytest.fixture
def queries() -> Callable[..., int]:
    """How often a page asks the database, once everything that is kept is warm."""

    def count(client: Client, url: str, **params: str) -> int:
        client.get(url, params)
        with CaptureQueriesContext(connection) as asked:
            assert client.get(url, params).status_code == 200
        return len(asked)

    return count


def messages_of(response) -> list[str]:
    """What the page says at its top."""
    return [str(message) for message in response.context["messages"]]
