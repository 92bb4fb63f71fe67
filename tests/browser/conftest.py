"""Fixtures for a real browser on a real server with a strict Content-Security-Policy."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.browser.navigation import follow
from tests.browser.storefront import SCREENS, WAIT, Storefront, Visitor

OPTIONS = ["--no-sandbox", "--disable-background-networking", "--disable-quic"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Chromium; skips the test if it is not installed.

    Playwright runs an event loop in this thread, where the ORM would refuse to work without
    DJANGO_ALLOW_ASYNC_UNSAFE.
    """
    playwright = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    with pytest.MonkeyPatch.context() as patch, playwright.sync_playwright() as started:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = started.chromium.launch(executable_path=path, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def owner(live_server, chromium, settings) -> Iterator[Any]:
    """A page logged in to the admin as superuser; fails on console messages or page errors."""
    settings.MIDDLEWARE = ["tests.browser.policy.with_pictures", *settings.MIDDLEWARE]
    User.objects.create_superuser("owner", password="x")
    context = chromium.new_context(
        base_url=live_server.url, viewport={"width": 1280, "height": 900}
    )
    context.set_default_timeout(WAIT)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/admin/login/")
    page.fill("[name=username]", "owner")
    page.fill("[name=password]", "x")
    follow(page.locator("[type=submit]"))
    complaints.clear()  # about the favicon, which only the first page requests
    yield page
    context.close()
    assert not complaints


@pytest.fixture(scope="session")
def storefront(tmp_path_factory) -> Storefront:
    """The demo catalog, indexed with the shipped model, created once per session."""
    return Storefront(tmp_path_factory.mktemp("storefront"))


@pytest.fixture(scope="module")
def shop(storefront) -> Iterator[str]:
    """The origin of a server of the demo shop."""
    with storefront.served() as origin:
        yield origin


@pytest.fixture
def visit(chromium, shop) -> Iterator[Callable[..., Visitor]]:
    """A function that opens a page as a new visitor; fails on unexpected browser errors."""
    visitors: list[Visitor] = []

    def come(path: str, screen: str = "desktop", *, origin: str = shop, **options: Any) -> Visitor:
        context = chromium.new_context(base_url=origin, **SCREENS[screen], **options)
        visitors.append(Visitor(context))
        visitors[-1].page.goto(path)
        return visitors[-1]

    yield come
    for visitor in visitors:
        visitor.context.close()
    assert not [text for visitor in visitors for text in visitor.complaints]


@pytest.fixture(params=sorted(SCREENS))
def screen(request) -> str:
    """Each kind of screen: a desktop with a mouse, a phone with touch."""
    return str(request.param)


@pytest.fixture
def screenshot(tmp_path) -> Callable[..., None]:
    """A function that saves screenshots to $VISUALSEARCH_SCREENSHOTS or the test's folder."""
    folder = Path(os.environ.get("VISUALSEARCH_SCREENSHOTS", tmp_path))

    def take(visitor: Visitor, name: str) -> None:
        visitor.page.wait_for_timeout(400)  # pictures fade in, fonts settle
        visitor.page.screenshot(path=folder / f"storefront-{name}.png")

    return take
