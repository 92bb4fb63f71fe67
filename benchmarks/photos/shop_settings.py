"""The sample shop, as in a container of 768 MB."""

from shop.settings import *  # noqa: F403
from shop.settings import VISUALSEARCH
from visualsearch.photos.decode_budget import SHARE

CONTAINER = 768_000_000
VISUALSEARCH["MAX_DECODE_MEMORY"] = CONTAINER // SHARE
