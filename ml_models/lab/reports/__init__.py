"""Present results as plots, tables, text and HTML pages.

This package may import only ``photos``, ``training`` and ``measuring``.
"""
