"""Settings of the sample shop in browser tests: a strict policy and additional pages."""

from __future__ import annotations

import json
import os

from shop.settings import *  # noqa: F403
from shop.settings import MIDDLEWARE, VISUALSEARCH

ROOT_URLCONF = "tests.browser.storefront_urls"
MIDDLEWARE = ["tests.browser.policy.strict", *MIDDLEWARE]
VISUALSEARCH = VISUALSEARCH | json.loads(os.environ.get("VISUALSEARCH_TEST", "{}"))
