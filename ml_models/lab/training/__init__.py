"""Training runs: losses, learning rates, stages, checkpoints and logs.

This package may import only ``photos``, ``drawing`` and ``networks``.
"""
