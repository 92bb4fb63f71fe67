"""Send every file of a folder to a running server and check that nothing breaks.

`python -m tests.corpus FOLDER [--url http://localhost:8000] [--generate N --seed S] [--pid PID]`

Exits with 1 on a server error, a late, missing or non-JSON response, or growing memory.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.corpus import fuzz, memory
from tests.corpus.send import SLOWEST, Outcome, send


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.corpus", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", default="http://localhost:8000")
    parser.add_argument("--generate", type=int, default=0, help="write so many damaged files first")
    parser.add_argument("--seed", type=int, default=0, help="which ones")
    parser.add_argument("--pid", type=int, help="of the server, whose memory must not grow")
    parser.add_argument("--clients", type=int, default=4, help="files that are sent at a time")
    parser.add_argument("--slowest", type=float, default=SLOWEST, help="seconds for an answer")
    return parser.parse_args(arguments)


def run(args: argparse.Namespace) -> tuple[list[Outcome], list[float]]:
    """Send all files; return the outcomes and samples of the server's memory in MB."""
    if args.generate:
        fuzz.generate(args.folder, args.generate, args.seed)
    files = sorted(path for path in args.folder.rglob("*") if path.is_file())
    often = max(1, len(files) // 60)
    outcomes: list[Outcome] = []
    measured: list[float] = []
    with ThreadPoolExecutor(args.clients) as pool:
        answers = pool.map(lambda file: list(send(file, args.url, args.slowest)), files)
        for number, found in enumerate(answers):
            outcomes += found
            if args.pid and number % often == 0:
                measured.append(memory.used(args.pid))
    return outcomes, measured


def table(outcomes: list[Outcome]) -> str:
    """Return a Markdown table of the responses by file type, status and code."""
    counts = Counter((Path(each.file).suffix, each.status, each.code or "–") for each in outcomes)
    lines = ["| kind | status | code | answers |", "|---|---|---|---|"]
    lines += [
        f"| {kind} | {status} | {code} | {number} |"
        for (kind, status, code), number in sorted(counts.items())
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Send all files and print a summary; return 1 if anything failed."""
    args, start = parse_args(arguments), time.monotonic()
    outcomes, measured = run(args)
    if not outcomes:
        print(f"{args.folder} holds no file")
        return 1
    print(table(outcomes))
    slowest = max(outcomes, key=lambda each: each.seconds)
    print(f"\n{len(outcomes)} answers in {time.monotonic() - start:.0f} s")
    print(f"slowest: {slowest.seconds:.2f} s, {slowest.way}, {slowest.file}")
    failures = [each for each in outcomes if each.failure]
    for each in failures[:50]:
        print(f"FAILED {each.file}: {each.way}: {each.status} {each.code} {each.failure}")
    grown = memory.grows(measured)
    if measured:
        first, last = memory.growth(measured)
        print(f"memory: {first:.0f} MB in the first third, {last:.0f} MB in the last")
        print("in order:", *(f"{each:.0f}" for each in measured))
    if grown:
        print("FAILED memory grows")
    return 1 if failures or grown else 0


if __name__ == "__main__":
    sys.exit(main())
