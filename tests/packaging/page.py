"""Read a page of docs/ as a developer who copies its code blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


@dataclass(frozen=True, kw_only=True)
class Block:
    """A code block: its language and its text."""

    language: str
    text: str

    @property
    def file(self) -> str | None:
        """The file that a Python block names in its first line, if it names one."""
        named = re.match(r"# (\S+\.py)\b", self.text)
        return named[1] if named else None

    @property
    def commands(self) -> list[str]:
        """The lines of a shell block."""
        return self.text.splitlines() if self.language == "sh" else []


def blocks(page: str = "integrate.md") -> list[Block]:
    """Return a page's code blocks in order."""
    text = (DOCS / page).read_text("utf-8")
    found = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.M | re.S)
    return [Block(language=language, text=text) for language, text in found]
