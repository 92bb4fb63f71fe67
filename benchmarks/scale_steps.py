"""The steps of ``catalog_scale``; each runs in a process of its own, after ``django.setup()``."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

Figures = dict[str, float]
# Pictures that change before a search, and requests of a kind.
CHANGED, REQUESTS = 100, 15
TABLES = {
    "products": "shop_product",
    "pictures": "shop_productimage",
    "embeddings": "visualsearch_embedding",
}
ADMIN = {
    "overview": "/admin/visualsearch/indexversion/overview/",
    "products": "/admin/shop/product/",
    "products, a search": "/admin/shop/product/?q=S0000001",
    "images": "/admin/visualsearch/embedding/",
    "runs": "/admin/visualsearch/run/",
    "versions": "/admin/visualsearch/indexversion/",
    "queries": "/admin/visualsearch/query/",
    "insights": "/admin/visualsearch/query/insights/",
}
API = "/api/visual-search"


def fill(images: int, media: Path | None = None) -> Figures:
    """Create products, each with a picture and its stored embedding; one in a hundred is red."""
    from django.db import connection

    from benchmarks.filling import fill
    from shop.models import Product

    fill(images, media)
    red = Product.objects.filter(pk__in=range(1, images + 1, 100))
    red.update(color="red")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE shop_product")
        sizes = {}
        for name, table in TABLES.items():
            cursor.execute("SELECT pg_total_relation_size(%s)", [table])
            sizes[f"table of {name}, MB"] = cursor.fetchone()[0] / 1e6
    return sizes


def fill_with_files(images: int) -> Figures:
    """Create the shop with a small file for each picture."""
    return fill(images, Path(os.environ["MEDIA_ROOT"]))


def build(images: int) -> Figures:
    """Build and activate an index version."""
    from visualsearch.models import IndexVersion
    from visualsearch.versions import lifecycle

    version = lifecycle.create_version()
    spent = {"build, s": timed(lambda: lifecycle.build(version))}
    spent["activate, ms"] = 1000 * timed(lambda: lifecycle.activate(version))
    file = Path(os.environ["VISUALSEARCH_DATA_DIR"]) / IndexVersion.objects.get().file
    return {**spent, "file, MB": file.stat().st_size / 1e6}


def load(images: int) -> Figures:
    """Load the index as a search process does; then change some pictures and catch up."""
    from visualsearch.models import Embedding, IndexVersion, Revision
    from visualsearch.serving import live_index, loaded_versions, version_encoders

    version = IndexVersion.objects.get(state="active")
    encoder = version_encoders.encoder_of(version)
    empty = live_index.empty_index(version, encoder)
    empty.add(np.array([1]), np.ones((1, encoder.dim), np.float32))
    before = resident()
    spent = {"load, s": timed(loaded_versions.current)}
    current = loaded_versions.current()
    found, _scores = current.index.search(np.ones(encoder.dim, np.float32), 10)
    if len(current.index) != images or len(found) != 10:
        raise SystemExit(f"{len(current.index)} images in the index, {len(found)} found")
    spent["memory, MB"] = (resident() - before) / 1e6
    rows = Embedding.objects.filter(pk__lte=CHANGED)
    for step in ("replay, ms", "replay again, ms"):
        newest = Revision.current() + 1
        rows.update(revision=newest)
        Revision.objects.update(value=newest)
        spent[step] = 1000 * timed(loaded_versions.current)
    return spent


def rebuild(images: int) -> Figures:
    """Load the index from the rows, because its file is missing."""
    from visualsearch.serving import loaded_versions

    (file,) = Path(os.environ["VISUALSEARCH_DATA_DIR"]).glob("*.index")
    aside = file.rename(file.with_suffix(".aside"))
    try:
        return {"rebuild, s": timed(loaded_versions.current)}
    finally:
        aside.rename(file)


def requests(images: int) -> Figures:
    """Send requests to the app in this process."""
    from django.test import Client

    file = io.BytesIO()
    Image.effect_noise((320, 400), 60).convert("RGB").save(file, "JPEG")
    client = Client(SERVER_NAME="localhost")

    def search(query: str) -> str:
        path = f"{API}/search/{query}"
        response = client.post(path, file.getvalue(), content_type="image/jpeg")
        assert response.status_code == 200, response.content
        query_id: str = response.json()["query_id"]
        return query_id

    def get(path: str) -> None:
        response = client.get(path)
        assert response.status_code == 200, (path, response.status_code)

    query = search("")
    kinds: dict[str, Callable[[], object]] = {
        "search": lambda: search(""),
        "search, filter": lambda: search("?color=red"),
        "later page": lambda: get(f"{API}/queries/{query}/?offset=12"),
        "facets": lambda: get(f"{API}/queries/{query}/?facets=true"),
        "similar": lambda: get(f"{API}/products/S0000007/similar/"),
        "status": lambda: get(f"{API}/status/"),
        "search page": lambda: get("/search/photo/"),
        "ready": lambda: get("/health/ready/"),
        "home": lambda: get("/"),
    }
    return {f"request {name}, ms": middle(kind) for name, kind in kinds.items()}


def admin(images: int) -> Figures:
    """Open pages of the admin as its owner."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    user = get_user_model().objects.filter(is_superuser=True).first()
    client.force_login(user or get_user_model().objects.create_superuser("owner"))

    def get(path: str) -> None:
        response = client.get(path)
        assert response.status_code == 200, (path, response.status_code)

    return {f"admin {name}, ms": middle(partial(get, path)) for name, path in ADMIN.items()}


def drift(images: int) -> Figures:
    """Compare rows, index and catalog."""
    from visualsearch.reindex.drift import find_drift

    return {"drift, s": timed(find_drift)}


def unchanged(images: int) -> Figures:
    """Reindex all products; exit if an image was encoded."""
    from visualsearch.reindex import runs

    run, _new = runs.request("all")
    spent = timed(lambda: runs.execute(run))
    run.refresh_from_db()
    if (run.unchanged, run.encoded) != (images, 0):
        raise SystemExit(
            f"{run.state}: {run.error} {run.unchanged} unchanged, {run.encoded} encoded"
        )
    return {"unchanged, s": spent}


STEPS: dict[str, Callable[[int], Figures]] = {
    "fill": fill,
    "fill with files": fill_with_files,
    "build": build,
    "load": load,
    "rebuild": rebuild,
    "requests": requests,
    "admin": admin,
    "drift": drift,
    "unchanged": unchanged,
}


def timed(do: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    do()
    return time.perf_counter() - start


def middle(do: Callable[[], object]) -> float:
    """Return the median milliseconds of some calls, after one that is not counted."""
    do()
    return 1000 * median(timed(do) for _ in range(REQUESTS))


def resident() -> int:
    """Return the resident memory of this process in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
