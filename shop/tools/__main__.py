"""Run the shop's production processes on this machine: `./run stack`."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import socket
import sys
from datetime import datetime
from pathlib import Path

from shop.demo_catalog import CATALOG

from .compose import ROOT
from .stack import Stack, StackError
from .supervisor import Supervisor


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run stack", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="port of the shop (%(default)s)")
    folder = ROOT / ".data" / "stack"
    parser.add_argument(
        "--folder", type=Path, default=folder, help="folder for all files (%(default)s)"
    )
    return parser.parse_args()


def say(text: str) -> None:
    print(f"{datetime.now():%H:%M:%S} {text}", flush=True)


def is_taken(port: int) -> bool:
    """Return whether a port of 127.0.0.1 is in use."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def load_demo(stack: Stack) -> None:
    """Load and index the demo catalog, unless this stack's folder has it."""
    loaded = stack.folder / "loaded"
    if loaded.exists():
        return
    say("Loading and indexing the demo catalog")
    stack.manage("load_catalog", str(CATALOG), "--no-index")
    stack.manage("visualsearch_index")
    loaded.touch()


def write_environment(stack: Stack) -> Path:
    """Write a shell script that exports the stack's environment variables; return its path."""
    path = stack.folder / "environment"
    path.touch(mode=0o600)
    values = {k: v for k, v in stack.environment.items() if os.environ.get(k) != v}
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in values.items()]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main(args: argparse.Namespace) -> int:
    if is_taken(args.port):
        print(f"Port {args.port} is in use. Choose another: ./run stack --port N", file=sys.stderr)
        return 1
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    stack = Stack(args.folder, web_port=args.port)
    try:
        say(f"Starting; logs are in {stack.folder / 'logs'}")
        stack.start_all()
        load_demo(stack)
        environment = write_environment(stack)
        say(f"The shop is on http://localhost:{stack.web_port}/ (stop it with Ctrl-C)")
        say(f"To use manage.py on it: . {environment}")
        Supervisor(stack, say).watch()
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("Stopping")
        return 0
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # so that stopping is not interrupted
        stack.stop_all()
    return 0


if __name__ == "__main__":
    sys.exit(main(parse_args()))
