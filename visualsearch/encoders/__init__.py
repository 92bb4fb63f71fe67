"""Turn an image into an embedding and class probabilities; read and check model packages.

Imports no Django; may import ``photos``.
"""
