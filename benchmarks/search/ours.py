"""Run our search in process, as a benchmark worker: ``python -m benchmarks.search.ours``.

It searches from a photo's bytes to product cards, as production does without Celery. The
environment selects the shop.
"""

from __future__ import annotations

from typing import Any

import django

from benchmarks.search.lockstep import serve


def main() -> None:
    django.setup()
    from visualsearch import conf
    from visualsearch.photos.decode import open_photo
    from visualsearch.search import by_photo
    from visualsearch.search.requests import SearchRequest
    from visualsearch.search.results import Stopwatch

    def call(data: bytes) -> dict[str, Any]:
        watch = Stopwatch()
        with watch.stage("decode"):
            photo = open_photo(data, limits=conf.limits())
        result = by_photo.search(photo, SearchRequest(), watch=watch)
        if len(result.hits) != 12:
            raise SystemExit(f"{len(result.hits)} products found, not 12")
        return {"stages": watch.stages}

    serve(call)


if __name__ == "__main__":
    main()
