"""Read the services' commands and environment from docker-compose.yml."""

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
    """Replace `$$` and `${NAME}` in a text as Docker Compose does; `variables`: by name.

    Raises LookupError if a required variable is unset.
    """

    def value(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        found = variables.get(match["name"], "")
        if not found and match["how"] == "?":
            raise LookupError(f"{match['name']}: {match['text']}")
        return found or match["text"] or ""

    return VARIABLE.sub(value, text)


class Compose:
    """The services of docker-compose.yml, with variables filled in from `variables`."""

    def __init__(self, variables: Mapping[str, str]):
        document = yaml.safe_load(PATH.read_text(encoding="utf-8"))
        self.services: dict[str, dict[str, Any]] = document["services"]
        self.variables = variables

    def command(self, name: str) -> list[str]:
        """Return a service's command as a list of arguments."""
        return shlex.split(interpolated(self.services[name]["command"], self.variables))

    def environment(self, name: str) -> dict[str, str]:
        """Return a service's environment variables."""
        values = self.services[name]["environment"]
        return {key: interpolated(value, self.variables) for key, value in values.items()}
