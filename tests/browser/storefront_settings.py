"""Settings of the sample shop in browser tests: a strict policy and additional pages."""

from __future__ import annotations

import json
import os

from shop.settings import *  # noqa: F403
from shop.settings import MIDDLEWARE, STORAGES, VISUALSEARCH

ROOT_URLCONF = "tests.browser.storefront_urls"
MIDDLEWARE = ["tests.browser.policy.strict", *MIDDLEWARE]
# Tests of hashed static files choose how they are stored.
if storage := os.environ.get("STATIC_STORAGE"):
    STORAGES = {**STORAGES, "staticfiles": {"BACKEND": storage}}
    WHITENOISE_KEEP_ONLY_HASHED_FILES = storage.endswith("RewritingStorage")
VISUALSEARCH = VISUALSEARCH | json.loads(os.environ.get("VISUALSEARCH_TEST", "{}"))
