"""The stack with a clock that can jump and a disk that can be full, where the machine allows it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

from shop.tools.stack import APP, Stack

# Bytes of the disk that holds the index files.
DISK = 192 << 20
# Shifts the wall clock of a process that preloads it.
CLOCK = Path(__file__).with_name("clock.c")


class Machine(Stack):
    """A production stack in ``folder``.

    ``without``: why disturbances are impossible here, by their kind. Root is needed to mount a
    small disk, and a C compiler to change clocks.
    """

    def __init__(self, folder: Path):
        # PostgreSQL runs as another user if this process is root's.
        folder.chmod(0o755)
        super().__init__(folder)
        self.without: dict[str, str] = {}
        self.index_folder = self.folder / "index"
        self.mounted = self.mount_disk()
        self.prepare_clocks()

    def mount_disk(self) -> bool:
        """Mount a small file system for the index files; return whether it succeeded."""
        self.index_folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(self.index_folder)]
        try:
            done = subprocess.run(mount, capture_output=True, text=True)
        except OSError as error:
            self.without["disk full"] = str(error)
            return False
        if done.returncode:
            self.without["disk full"] = done.stderr.strip()
        return not done.returncode

    def prepare_clocks(self) -> None:
        """Let each process of the app read the offset of its wall clock from a file."""
        library = self.folder / "clock.so"
        build = ["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(CLOCK), "-ldl"]
        try:
            subprocess.run(build, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            self.without["clock jumps"] = f"no C compiler: {error}"
            return
        for name in APP:
            self.set_clock(name, 0)
            self.own_environment[name] |= {
                "LD_PRELOAD": str(library),
                "CLOCK_FILE": str(self.clock(name)),
            }

    def clock(self, name: str) -> Path:
        """Return the file with the offset of a service's clock."""
        return self.folder / f"{name}.clock"

    def set_clock(self, name: str, seconds: int) -> None:
        """Set a service's clock off by so many seconds, at once."""
        # Written in place: the processes have mapped the file.
        with self.clock(name).open("r+b" if self.clock(name).exists() else "wb") as file:
            file.write(seconds.to_bytes(8, sys.byteorder, signed=True))

    def fill_disk(self) -> None:
        """Write a file until no byte is left for index files."""
        with (self.index_folder / "filler").open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def free_disk(self) -> None:
        (self.index_folder / "filler").unlink(missing_ok=True)

    def stop_all(self) -> None:
        """End all processes and unmount the disk."""
        super().stop_all()
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self.index_folder)], check=True)
            self.mounted = False

    def use_here(self) -> None:
        """Let Django, once it is set up in this process, use the stack's database and Redis."""
        os.environ.update(self.environment)
