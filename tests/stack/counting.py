"""An encoder that logs each image to a file, for tests that kill its process."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence

from PIL import Image

from visualsearch.encoders.base import Encoding
from visualsearch.encoders.fake import FakeEncoder


class CountingEncoder(FakeEncoder):
    """A fake encoder that appends a line per image to ``log``, in one atomic write."""

    def __init__(self, *, log: str, seconds: float = 0.0, **options: object):
        """Make each call take at least ``seconds``, so that it can be killed meanwhile."""
        super().__init__(**options)  # type: ignore[arg-type]
        self.log, self.seconds = log, seconds

    def encode(self, images: Sequence[Image.Image]) -> Encoding:
        encoding = super().encode(images)
        time.sleep(self.seconds)
        lines = [hashlib.sha256(image.tobytes()).hexdigest() + "\n" for image in images]
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(descriptor, "".join(lines).encode())
        os.close(descriptor)
        return encoding
