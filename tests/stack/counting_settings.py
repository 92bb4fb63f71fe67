"""The sample shop's settings with an encoder that logs what it encodes."""

import os

from shop.settings import *  # noqa: F403
from shop.settings import VISUALSEARCH

VISUALSEARCH = {
    **VISUALSEARCH,
    "ENCODER": "tests.stack.counting.CountingEncoder",
    "ENCODER_OPTIONS": {
        "log": os.environ["ENCODED"],
        "seconds": float(os.environ.get("ENCODING_SECONDS", "0.06")),
    },
    "RUN_TIMEOUT": 5,
}
