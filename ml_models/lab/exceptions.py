"""Exceptions of the lab, which every room and verb may import."""

from __future__ import annotations


class Refused(ValueError):
    """Raised for an error that the user must fix before a run can start; its text says how."""
