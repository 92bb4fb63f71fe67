"""End a stack's processes if the stack itself is killed: python -m … FOLDER < pipe.

Each input line names a process group that was started (`+123`) or has ended (`-123`). At the end of
the input, all remaining groups are ended and the socket folder FOLDER is deleted.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from contextlib import suppress

# Seconds that processes have to end before they are killed.
GRACE = 5


def alive(group: int) -> bool:
    """Return whether a process group still has members."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def tell(groups: set[int], *signals: signal.Signals) -> None:
    """Send signals to process groups, in order; groups that have ended are skipped."""
    for group in groups:
        for each in signals:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, each)


def main() -> None:
    groups: set[int] = set()
    for line in sys.stdin:
        number = int(line[1:])
        (groups.add if line[0] == "+" else groups.discard)(number)
    tell(groups, signal.SIGTERM, signal.SIGCONT)
    end = time.monotonic() + GRACE
    while time.monotonic() < end and any(alive(group) for group in groups):
        time.sleep(0.1)
    tell(groups, signal.SIGKILL)
    shutil.rmtree(sys.argv[1], ignore_errors=True)


if __name__ == "__main__":
    main()
