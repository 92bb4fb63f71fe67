"""A catalog to show the shop with, drawn by the project itself: no downloads, no Django."""

from .catalog import draw_catalog, sample_query

__all__ = ["draw_catalog", "sample_query"]
