"""The production stack on this machine, without Docker: `python -m shop.stack`."""

from .stack import Stack

__all__ = ["Stack"]
