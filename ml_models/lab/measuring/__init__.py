"""Measure model packages through the encoder that serves them; return results as dicts.

This package may import only ``photos``.
"""
