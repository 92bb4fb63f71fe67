"""Measure how well several things in one photo are found: ``python -m benchmarks.objects``."""
