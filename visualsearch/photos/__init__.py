"""Turn bytes from anywhere into an upright RGB image within limits.

Imports no Django; may import ``visualsearch.exceptions``.
"""

from .decode import open_photo

__all__ = ["open_photo"]
