"""The sample shop's settings with deadlines that even slow machines meet.

A search that is rejected in these tests was not rejected because the machine is slow.
"""

import os

from shop.settings import *  # noqa: F403
from shop.settings import VISUALSEARCH

VISUALSEARCH = {**VISUALSEARCH, "SEARCH_TIMEOUT": 60.0, "ASYNC_TIMEOUT": 120.0}
if patience := os.environ.get("BODY_TIMEOUT"):
    VISUALSEARCH["BODY_TIMEOUT"] = float(patience)
# Most tests read the rows of a search as soon as it is answered.
VISUALSEARCH["WRITE_DELAY"] = float(os.environ.get("WRITE_DELAY", "0"))
