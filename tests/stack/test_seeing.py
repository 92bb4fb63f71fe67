"""Metrics, health checks and logs of real processes."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.helpers.pictures import encoded, picture
from tests.stack import admin
from tests.stack.browser import Answer, Browser
from tests.stack.conftest import PRODUCTS, TOKEN
from tests.stack.stack import START, Stack, until

# Seconds to wait for a failure to show.
SOON = START
# Celery prints this without logging when it shuts down.
SAID_RAW = "worker: Warm shutdown"

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def photo(seed: int) -> bytes:
    return encoded(picture(seed, (480, 640)), quality=75)


def samples(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scrape(stack: Stack, name: str = "web") -> Samples:
    """Return a service's metrics as Prometheus reads them."""
    if name == "web":
        answer = stack.browser().get("/metrics", Authorization=f"Bearer {TOKEN}")
    else:
        answer = Browser(f"http://127.0.0.1:{stack.metrics_ports[name]}").get("/metrics")
    assert answer.status == 200, answer.text
    assert answer.media_type == "text/plain"
    return samples(answer.text)


def value(found: Samples, name: str, **labels: str) -> float:
    """Return the sum of all samples with this name and these labels."""
    wanted = labels.items()
    return sum(
        number
        for (each, its), number in found.items()
        if each == name and wanted <= dict(its).items()
    )


def lines(stack: Stack, name: str) -> list[dict[str, Any]]:
    """Return the complete lines of a log, parsed as JSON."""
    complete = stack.log(name).rpartition("\n")[0].splitlines()
    return [json.loads(line) for line in complete if line and not line.startswith(SAID_RAW)]


def ready(stack: Stack) -> Answer:
    return stack.browser().get("/health/ready/")


def is_ready(stack: Stack) -> bool:
    return ready(stack).status == 200


def test_metrics__add_up_over_all_web_processes(stack):
    web, search = scrape(stack), scrape(stack, "search")
    with ThreadPoolExecutor(8) as visitors:
        answers = list(visitors.map(lambda n: stack.browser().search(photo(n % 8)), range(24)))
    refusals = [stack.browser().search(b"%PDF-1.4 is no photo") for _ in range(8)]
    assert [answer.status for answer in answers] == [200] * 24
    assert {answer.code for answer in refusals} == {"unsupported_image"}

    def grown(name: str, service: str = "web", **labels: str) -> float:
        before = web if service == "web" else search
        return value(scrape(stack, service), name, **labels) - value(before, name, **labels)

    view = "visualsearch-api:search"
    assert grown("visualsearch_http_requests_total", view=view, code="200") == 24
    assert grown("visualsearch_http_requests_total", view=view, code="415") == 8
    assert grown("visualsearch_refused_total", code="unsupported_image") == 8
    # The worker counts a job after it has sent the answer.
    until(lambda: grown("visualsearch_jobs_total", "search", end="answered") == 24, SOON, "jobs")
    assert grown("visualsearch_searches_total", "search", what="search") == 24
    for stage in ("decode", "queue", "encode", "index", "products", "total"):
        assert grown("visualsearch_search_seconds_count", "search", stage=stage) == 24, stage


def test_metrics__of_indexing(stack):
    found = scrape(stack, "index")
    assert value(found, "visualsearch_images_indexed_total", outcome="encoded") >= PRODUCTS
    assert value(found, "visualsearch_cpu_seconds_total") > 0


def test_metrics__how_things_stand(stack):
    stack.browser().search(photo(1))
    found = scrape(stack)
    for what in ("database", "redis", "workers"):
        assert value(found, "visualsearch_up", what=what) == 1
    assert value(found, "visualsearch_index_version") >= 1
    assert value(found, "visualsearch_search_workers") == 1
    assert value(found, "visualsearch_memory_bytes") > 10e6

    def items() -> float:
        return value(scrape(stack), "visualsearch_index_items")

    # Rows are not counted at each scrape.
    until(lambda: items() == PRODUCTS, START, lambda: str(items()))


@pytest.mark.parametrize("given", [{}, {"Authorization": "Bearer wrong"}])
def test_metrics__for_whoever_has_the_token(stack, given):
    answer = stack.browser().get("/metrics", **given)
    assert (answer.status, answer.text) == (401, "")


def test_metrics__web_process_killed(stack):
    """The counters of a killed process are kept."""
    with ThreadPoolExecutor(4) as visitors:
        list(visitors.map(lambda n: stack.browser().get("/health/live/"), range(16)))
    before = value(scrape(stack), "visualsearch_http_requests_total", view="live")

    old = stack.children("web")
    os.kill(old[0], signal.SIGKILL)
    until(lambda: len(set(stack.children("web")) - set(old)) == 1, SOON, "no new process")
    until(lambda: stack.answers("web"), SOON, "no web server")
    assert value(scrape(stack), "visualsearch_http_requests_total", view="live") > before


def test_logs__one_name_for_a_request_in_all_processes(stack):
    name = "of-the-tests.0123456789"
    files = {"image": ("my-house.jpg", "image/jpeg", photo(2))}
    path = "/api/visual-search/search/"
    answer = stack.browser().post(path, {}, files, {"X-Request-ID": name})
    assert answer.status == 200
    assert answer.headers["X-Request-ID"] == name

    def of_request(service: str) -> list[dict[str, Any]]:
        return [line for line in lines(stack, service) if line.get("request_id") == name]

    until(lambda: of_request("web") and of_request("search"), SOON, lambda: stack.tail("search"))
    (asked,), (done,) = of_request("web"), of_request("search")
    assert (asked["event"], asked["code"], asked["request"]) == (
        "request_finished",
        200,
        f"POST {path}",
    )
    assert asked["ms"] > 0
    assert (done["event"], done["what"], done["matched"]) == ("searched", "search", True)
    assert done["took_ms"].keys() >= {"decode", "queue", "encode", "index", "products", "total"}
    for service in ("web", "search"):
        assert "my-house" not in stack.log(service)
        assert "127.0.0.1" not in "".join(json.dumps(line) for line in of_request(service))


def test_logs__indexing_has_the_name_of_the_request(stack):
    owner = stack.owner()
    admin.hide_product(owner, "P1")
    admin.publish_product(owner, "P1")

    def done() -> list[str]:
        return [
            line["request_id"]
            for line in lines(stack, "index")
            if "visualsearch.index_items" in line["event"] and "request_id" in line
        ]

    until(done, SOON, lambda: stack.tail("index"))
    asked = {line.get("request_id"): line.get("request", "") for line in lines(stack, "web")}
    assert asked[done()[-1]].startswith("POST /admin/")


@pytest.mark.parametrize("name", ["", "short", "with spaces in it", 'quote"quote"', "x" * 65])
def test_logs__strange_names_are_replaced(stack, name):
    answer = stack.browser().get("/health/live/", **{"X-Request-ID": name})
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["X-Request-ID"])


def test_logs__refusal(stack):
    name = "refused.0123456789"
    files = {"image": ("photo.jpg", "image/jpeg", b"%PDF-1.4 is no photo")}
    stack.browser().post("/api/visual-search/search/", {}, files, {"X-Request-ID": name})

    def told() -> list[dict[str, Any]]:
        return [line for line in lines(stack, "web") if line.get("request_id") == name]

    until(told, SOON, lambda: stack.tail("web"))
    (line,) = told()
    assert (line["code"], line["refused"]) == (415, "unsupported_image")


@pytest.mark.parametrize("service", ["web", "search", "index"])
def test_logs__every_line_is_json(stack, service):
    found = lines(stack, service)
    assert found
    for line in found:
        assert {"event", "level", "timestamp", "logger"} <= line.keys()


def test_health(stack):
    until(lambda: is_ready(stack), START, lambda: stack.tail("web"))
    assert ready(stack).json == {
        "status": "ok",
        "checks": {"database": "ok", "index": "ok", "redis": "ok", "workers": "ok"},
    }
    assert stack.browser().get("/health/live/").json == {"status": "ok"}


def fails(stack: Stack, *names: str) -> Callable[[], bool]:
    """Return a function that tells whether readiness reports all these checks as failed."""

    def check() -> bool:
        answer = ready(stack)
        if answer.status == 200:
            return False
        assert answer.status == 503
        assert answer.json["status"] == "failed"
        return all(answer.json["checks"][name] == "failed" for name in names)

    return check


@pytest.mark.parametrize(
    ("service", "checks"),
    [
        ("search", ["workers"]),
        ("redis", ["redis", "workers"]),
        ("db", ["database", "index"]),
    ],
)
@pytest.mark.parametrize("how", ["stopped", "frozen"])
def test_health__something_is_down(stack, service, checks, how):
    until(lambda: is_ready(stack), START, lambda: stack.tail("web"))
    if how == "frozen":
        stack.pause(service)
    else:
        stack.stop(service)
    try:
        took = until(fails(stack, *checks), SOON, lambda: ready(stack).text)
        answer = ready(stack)
        live = stack.browser().get("/health/live/")
        gauges = scrape(stack)
    finally:
        if how == "frozen":
            stack.resume(service)
        else:
            stack.start(service)
    # They came while it was down: readiness does not wait for what hangs.
    assert (answer.status, live.status) == (503, 200)
    what = {"search": "workers", "redis": "redis", "db": "database"}[service]
    assert value(gauges, "visualsearch_up", what=what) == 0
    with suppress(AssertionError):
        stack.ready(service)
    back = until(lambda: is_ready(stack), START, lambda: stack.tail("web"))
    print(
        f"{service} {how}: 503 after {took:.1f} s, {answer.seconds:.2f} s; 200 {back:.1f} s later"
    )
