"""Benchmark one search, from a photo's bytes to product cards: see ``__main__``."""
