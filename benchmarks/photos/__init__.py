"""Measure what happens to photos as people send them: ``python -m benchmarks.photos``."""
