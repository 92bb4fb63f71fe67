"""What docker-compose.yml says: the services' commands and environment."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PATH = ROOT / "docker-compose.yml"

# $$, ${NAME}, ${NAME:-default}, ${NAME:?what to do}
VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?::(?P<how>[-?])(?P<text>[^}]*))?\})")


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """Fill in variables as Docker Compose does; raises LookupError for one that must be set."""

    def value(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        found = variables.get(match["name"], "")
        if not found and match["how"] == "?":
            raise LookupError(f"{match['name']}: {match['text']}")
        return found or match["text"] or ""

    return VARIABLE.sub(value, text)


class Compose:
    """The compose file with its variables filled in."""

    def __init__(self, variables: Mapping[str, str]):
        document = yaml.safe_load(PATH.read_text(encoding="utf-8"))
        self.services: dict[str, dict[str, Any]] = document["services"]
        self.variables = variables

    def command(self, name: str) -> list[str]:
        """The words of a service's command."""
        return shlex.split(interpolated(self.services[name]["command"], self.variables))

    def environment(self, name: str) -> dict[str, str]:
        """The environment of a service's process."""
        values = self.services[name]["environment"]
        return {key: interpolated(value, self.variables) for key, value in values.items()}
