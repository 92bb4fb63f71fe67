"""Fixtures of the admin's tests: staff users, broken pictures, query counts."""

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
    """A fast, insecure password hasher."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def staff(db) -> Callable[..., Client]:
    """A function that logs in staff with only these permissions: ``staff("view_run")``."""

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
    """A function that adds an undecodable picture to a product."""

    def add(product: Product) -> ProductImage:
        content = ContentFile(b"no picture", f"{product.sku}-broken.png")
        return product.images.create(image=content, position=9)

    return add


@pytest.fixture
def queries() -> Callable[..., int]:
    """A function that counts the database queries of a page with warm caches."""

    def count(client: Client, url: str, **params: str) -> int:
        client.get(url, params)
        with CaptureQueriesContext(connection) as asked:
            assert client.get(url, params).status_code == 200
        return len(asked)

    return count


def messages_of(response) -> list[str]:
    """Return the messages on a page."""
    return [str(message) for message in response.context["messages"]]
