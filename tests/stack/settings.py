"""The sample shop's settings with deadlines that no machine misses.

A search that is refused here was refused for another reason than a slow processor.
"""

import os

from shop.settings import *  # noqa: F403
from shop.settings import VISUALSEARCH

VISUALSEARCH = {**VISUALSEARCH, "SEARCH_TIMEOUT": 60.0, "ASYNC_TIMEOUT": 120.0}
if patience := os.environ.get("BODY_TIMEOUT"):
    VISUALSEARCH["BODY_TIMEOUT"] = float(patience)
