"""Dashboard and alerts use only metrics that exist."""

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client import REGISTRY

from tests.helpers.reindex import reindex
from visualsearch.contrib.prometheus import middleware  # noqa: F401 (has metrics of its own)
from visualsearch.contrib.prometheus.machine import MachineCollector
from visualsearch.contrib.prometheus.state import StateCollector

FOLDER = Path(__file__).resolve().parents[2] / "docs/monitoring"
DASHBOARD, ALERTS = FOLDER / "grafana-dashboard.json", FOLDER / "alerts.yml"
PAGE = FOLDER.with_suffix(".md")
SUFFIXES = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}


def panels():
    return [each for each in json.loads(DASHBOARD.read_text())["panels"] if each["type"] != "row"]


def rules():
    return [
        each for group in yaml.safe_load(ALERTS.read_text())["groups"] for each in group["rules"]
    ]


@pytest.fixture
def exposed(sold, configure, redis_server, monkeypatch):
    """The names of all samples of web processes and workers."""
    reindex()
    configure(USE_CELERY=True, REDIS_URL=redis_server.url)
    # The test's database belongs to its thread.
    monkeypatch.setattr("visualsearch.contrib.prometheus.state.within", lambda seconds, ask: ask())
    families = [*REGISTRY.collect(), *StateCollector().collect(), *MachineCollector().collect()]
    return {family.name + suffix for family in families for suffix in SUFFIXES.get(family.type, [])}


def test_metrics__that_are_asked_for_exist(exposed):
    asked = [each["expr"] for each in rules()]
    asked += [target["expr"] for panel in panels() for target in panel["targets"]]
    names = {name for each in asked for name in re.findall(r"\bvisualsearch_\w+", each)}
    assert len(names) > 20
    assert names <= exposed


def test_metrics__that_exist_are_documented(exposed):
    page = PAGE.read_text()
    for name in sorted(name for name in exposed if name.startswith("visualsearch_")):
        name = re.sub("_(bucket|sum|count)$", "", name)
        assert f"`{name}" in page, name


def test_dashboard__schema():
    board = json.loads(DASHBOARD.read_text())
    assert board["schemaVersion"] >= 38  # Grafana 10
    (variable,) = board["templating"]["list"]
    assert (variable["type"], variable["query"]) == ("datasource", "prometheus")
    assert len({each["id"] for each in board["panels"]}) == len(board["panels"])
    taken = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    for panel in panels():
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["title"]
        assert all(target["expr"] for target in panel["targets"])


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_alert__says_what_to_do(rule):
    assert rule["annotations"]["summary"]
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert f"| `{rule['alert']}` |" in PAGE.read_text()
