"""The contents of a model package: temperatures, threshold, known answers and ``model.json``.

This room may import photos, networks and measuring.
"""
