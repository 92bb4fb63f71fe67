"""Exceptions that every module of the lab may import."""

from __future__ import annotations


class Refused(ValueError):
    """Error in the user's input (file, option, label); its text says what to change."""
