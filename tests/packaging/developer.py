"""A simulated developer who follows docs/integrate.md in an empty project folder."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import shlex
import socket
import subprocess
import time
import urllib.error
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from .page import Block

# Variables of the tests' own Python or Django that must not leak into the new project.
FOREIGN = ("PYTHON", "DJANGO", "VISUALSEARCH", "COV", "PYTEST", "VIRTUAL_ENV", "DATABASE_URL")
PASSWORD = "a long enough password"


def constraints(artefact: Path) -> str:
    """Return pip constraints: the artefact, and all else as in the tests' own environment."""
    pins = {each.name: f"{each.name}=={each.version}" for each in distributions()}
    pins["visualsearch"] = f"visualsearch @ {artefact.as_uri()}"
    return "\n".join(pins.values())


class Developer:
    """Runs commands in a project folder with its own virtual environment first on the PATH.

    The environment has the Python and Django that run the tests.
    """

    def __init__(self, home: Path, artefact: Path) -> None:
        self.folder = home / "project"
        self.folder.mkdir(parents=True)
        self.site = home / "venv"
        venv.create(self.site, with_pip=True, symlinks=True)
        pins = home / "constraints.txt"
        pins.write_text(constraints(artefact), "utf-8")
        self.environment = {
            **{name: v for name, v in os.environ.items() if not name.startswith(FOREIGN)},
            "PATH": f"{self.site / 'bin'}:/usr/bin:/bin",
            "PIP_CONSTRAINT": str(pins),
            "PIP_NO_COMPILE": "1",
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
        }

    def run(self, command: str) -> str:
        """Return what a command prints; fail with all its output if it exits with an error."""
        done = subprocess.run(
            shlex.split(command),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def python(self, code: str, *arguments: str) -> Any:
        """Return the JSON that a program prints which runs inside the Django project."""
        setup = "import django, json, os, sys; sys.path.insert(0, os.getcwd())\n"
        setup += "os.environ['DJANGO_SETTINGS_MODULE'] = 'mysite.settings'; django.setup()\n"
        return json.loads(self.run(shlex.join(["python", "-c", setup + code, *arguments])))

    def paste(self, block: Block) -> None:
        """Append a block to the file that it names."""
        assert block.file
        with (self.folder / block.file).open("a", encoding="utf-8") as file:
            file.write(f"\n\n{block.text}")

    @contextmanager
    def serving(self, command: str) -> Iterator[Browser]:
        """Run the page's ``runserver`` on a free port until the block ends."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        log = self.folder / "server.log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                [*shlex.split(command), f"127.0.0.1:{port}", "--noreload"],
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_for(port, server, log)
            yield Browser(f"http://127.0.0.1:{port}", log)
        finally:
            server.terminate()
            server.wait()


def wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return once a server accepts connections; fail with its log if it ends or never does."""
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        with socket.socket() as connection:
            if connection.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"runserver did not start:\n{log.read_text()}")


@dataclass(frozen=True, kw_only=True)
class Page:
    """A response: its status and its body."""

    status: int
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Browser:
    """An HTTP client that keeps cookies."""

    def __init__(self, site: str, log: Path) -> None:
        self.site, self.log = site, log
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)

    def get(self, path: str) -> Page:
        """Return a page that must be there; fail with the server's log if it is not."""
        return self.request(path)

    def post(self, path: str, data: bytes, kind: str) -> Page:
        return self.request(path, data, {"Content-Type": kind})

    def request(self, path: str, data: bytes | None = None, headers: Any = None) -> Page:
        request = urllib.request.Request(self.site + path, data, headers or {})
        try:
            with self.opener.open(request, timeout=60) as response:
                return Page(status=response.status, body=response.read())
        except urllib.error.HTTPError as error:
            with error:
                body = error.read().decode(errors="replace")[:2000]
            log = self.log.read_text()[-4000:]
            raise AssertionError(f"{path}: {error.code}\n{body}\n{log}") from error

    def log_in(self, name: str) -> None:
        """Log in to the admin."""
        form = self.get("/admin/login/?next=/admin/").text
        token = token_in(form)
        fields = {"username": name, "password": PASSWORD, "csrfmiddlewaretoken": token}
        kind = "application/x-www-form-urlencoded"
        page = self.post("/admin/login/?next=/admin/", urlencode(fields).encode(), kind)
        assert "Log out" in page.text


def token_in(page: str) -> str:
    """Return the CSRF token of a page's first form."""
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found, page
    return found[1]


def multipart(photo: bytes, **fields: str) -> tuple[bytes, str]:
    """Return the body of a form with a photo, and its content type."""
    parts = [(f'name="{name}"', value.encode()) for name, value in fields.items()]
    parts.append(('name="image"; filename="photo.jpg"\r\nContent-Type: image/jpeg', photo))
    body = b"".join(
        b"--edge\r\nContent-Disposition: form-data; %b\r\n\r\n%b\r\n" % (name.encode(), value)
        for name, value in parts
    )
    return body + b"--edge--\r\n", "multipart/form-data; boundary=edge"
