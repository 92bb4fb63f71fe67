"""A new Django project with all files of docs/integrate.md."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.packaging.page import blocks

ROOT = Path(__file__).resolve().parents[2]
FOREIGN = ("DJANGO", "VISUALSEARCH", "DATABASE_URL", "PYTEST")


class Project:
    """A project in a folder, with this checkout in place of an installed package."""

    def __init__(self, folder: Path):
        self.folder = folder
        environment = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
        self.environment = {**environment, "PYTHONPATH": str(ROOT)}
        self.run("-m", "django", "startproject", "mysite", ".")
        self.run("manage.py", "startapp", "yourshop")
        self.pasted: dict[str, list[str]] = {}
        for block in blocks():
            if block.file:
                self.pasted.setdefault(block.file, []).append(block.text)
                with (folder / block.file).open("a", encoding="utf-8") as file:
                    file.write(f"\n\n{block.text}")
        self.run("manage.py", "makemigrations", "yourshop")

    def run(self, *command: str, fails: bool = False, typed: str = "") -> str:
        """Run Python with these arguments and return what it prints."""
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env=self.environment,
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert bool(done.returncode) == fails, done.stdout
        return done.stdout

    def shell(self, line: str, **options: bool | str) -> str:
        """Run a line of a document that begins with ``python``."""
        python, *arguments = shlex.split(line)
        assert python == "python", line
        return self.run(*arguments, **options)  # type: ignore[arg-type]

    def python(self, code: str) -> str:
        """Run code with the project's models, and return what it prints."""
        return self.run("manage.py", "shell", "--no-imports", "-c", code).strip()

    def remove(self, name: str) -> None:
        """Undo what was pasted into a file."""
        path = self.folder / name
        text = path.read_text("utf-8")
        for block in self.pasted[name]:
            assert block in text
            text = text.replace(block, "")
        path.write_text(text, "utf-8")


def commands(page: str) -> list[str]:
    """Return the lines of the shell blocks of a page in docs/."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    return "".join(re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)).splitlines()
