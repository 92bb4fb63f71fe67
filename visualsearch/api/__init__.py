"""The REST API.

May import ``web`` and what is below it, not ``admin``.
"""
