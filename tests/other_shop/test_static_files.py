"""Static files whose names contain hashes."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest

VISIT = r"""
    from tests.other_shop.tour import *
    from django.template import engines
    from django.test import RequestFactory
    from django.utils import translation

    call_command("collectstatic", "--no-input", verbosity=0)
    fill()
    visit = Tour()
    visit.all()
    pages = [visit.get(address) for address in (PAGE, *(ADMIN + name for name in ADMIN_PAGES))]
    texts = [page.content.decode() for page in pages if not page.streaming]
    with translation.override("fr"):
        tag = "{% load visualsearch %}{% visual_search compact=True %}"
        texts.append(engines["django"].from_string(tag).render({}, RequestFactory().get("/")))
    for text in texts:
        print(*re.findall(r"/static/visualsearch/[\w./-]+", text))
"""
HASHED = re.compile(r"/static/visualsearch/[\w.-]+\.[0-9a-f]{12}\.\w+")
# Addresses in style sheets, and modules that scripts import.
REFERENCES = {
    "css": re.compile(r"""url\(["']?(?!data:|#)([^"')]+)"""),
    "js": re.compile(r"""\bimport\b(?:[^;"'`]+\bfrom\b)?\s*\(?\s*["']([^"']+)"""),
}


@pytest.mark.parametrize(
    "storage",
    [
        "django.contrib.staticfiles.storage.ManifestStaticFilesStorage",
        "tests.other_shop.storages.OnlyHashed",
    ],
)
def test_static_files__are_hashed_wherever_they_are_named(run, tmp_path, storage):
    settings = {
        "DEBUG": False,
        "STATIC_ROOT": str(tmp_path / "static"),
        "STORAGES": {
            "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
            "staticfiles": {"BACKEND": storage},
        },
    }
    named = set(run(VISIT, settings).split())
    kinds = {address.rpartition("/")[2].split(".")[0] for address in named}
    assert kinds == {"visual-search", "visualsearch", "admin"}
    assert any(".fr." in address for address in named)
    for address in named:
        assert HASHED.fullmatch(address), address
        content = (tmp_path / address[1:]).read_text("utf-8")
        for found in REFERENCES[address.rpartition(".")[2]].findall(content):
            other = urljoin(address, found)
            assert (tmp_path / other[1:]).is_file()
            # Django rewrites what scripts import only on request.
            if not address.endswith(".js") or storage.endswith("OnlyHashed"):
                assert HASHED.fullmatch(other), other
