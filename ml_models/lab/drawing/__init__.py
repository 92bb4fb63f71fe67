"""Drawn people and clothes, and photographed clothes put on drawn people.

No photo of a person is used. This room may import photos.
"""
