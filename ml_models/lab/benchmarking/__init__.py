"""Compare network architectures: the same photos, recipe and measurements for each.

This package may import only ``photos``, ``networks``, ``training`` and ``measuring``.
"""
