"""Measurements of a model package through the encoder that serves it.

The room returns figures; reports shows them. It may import photos.
"""
