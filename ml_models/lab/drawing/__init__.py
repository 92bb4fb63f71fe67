"""Draw people and clothes, and put photographed clothes on drawn people.

No photo of a person is used. This package may import only ``photos``.
"""
