"""Build model packages: temperatures, match threshold, known answers and ``model.json``.

This package may import only ``photos``, ``networks`` and ``measuring``.
"""
