"""An encoder that writes down each image that it encodes, for tests that kill its process."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence

from PIL import Image

from visualsearch.encoders.base import Encoding
from visualsearch.encoders.fake import FakeEncoder


class CountingEncoder(FakeEncoder):
    """Appends a line per image to ``log``, in the one write that no kill can tear."""

    def __init__(self, *, log: str, seconds: float = 0.0, **options: object):
        """``seconds`` that a call takes at least, so that there is time to be killed in."""
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
