"""Examine an installation on real rows, and say what is wrong and which line to change.

May import ``reindex``, ``search_queue``, ``versions`` and what is below them.
"""
