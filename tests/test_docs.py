"""The documents name only things that exist, and cover all that must be documented."""

import re
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from visualsearch import exceptions
from visualsearch.conf import DEFAULTS
from visualsearch.exceptions import VisualSearchError

ROOT = Path(__file__).resolve().parent.parent
PAPERS = [ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY", "CHANGELOG")]
PAGES = [*PAPERS, *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("name", sorted(DEFAULTS))
def test_every_setting_has_its_line(name):
    assert f"| `{name}` |" in (ROOT / "docs/settings.md").read_text("utf-8")


def codes():
    kinds = [kind for kind in vars(exceptions).values() if isinstance(kind, type)]
    return sorted({kind.code for kind in kinds if issubclass(kind, VisualSearchError)})


@pytest.mark.parametrize("code", codes())
def test_every_error_code_is_listed(code):
    assert f"`{code}`" in (ROOT / "docs/rest.md").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_quoted_commands_and_options_exist(page):
    known = get_commands()
    ours = {name for name, app in known.items() if app in ("visualsearch", "shop")}
    text = page.read_text("utf-8")
    if page.name == "monitoring.md":
        text = re.sub(r"^\| `visualsearch_.*", "", text, flags=re.M)  # metrics, in their table
    for name in set(re.findall(r"\b(visualsearch_[a-z]+)\b", text)):
        assert name in ours, name
    for name, rest in re.findall(r"\b(visualsearch_[a-z]+|load_catalog)\b([^`\n]*)", text):
        options = load_command_class(known[name], name).create_parser("manage.py", name)
        for option in re.findall(r"(?<![\w-])--[a-z-]+", rest):
            assert option in options._option_string_actions, f"{name} {option}"


def test_changelog_names_the_version():
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.M)
    assert f"## {version[1]}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_pre_commit__has_the_checks_of_run_test():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    hooks = {hook["entry"] for repository in config["repos"] for hook in repository["hooks"]}
    body = re.search(r"^test_all\(\) \{\n(.*?)^\}", (ROOT / "run").read_text("utf-8"), re.M | re.S)
    commands = re.findall(r"^  (\.venv/bin/.+)$", body[1], re.M)
    assert hooks == {command for command in commands if "pytest" not in command}


@pytest.mark.parametrize("command", ["demo", "stack", "test", "docs"])
def test_run__says_what_it_does(command):
    usage = re.search(r"^usage\(\) \{\n(.*?)^\}", (ROOT / "run").read_text("utf-8"), re.M | re.S)
    assert f"./run {command}" in usage[1]
