"""A demo catalog that the project draws itself, without downloads and without Django."""

from .catalog import draw_catalog, sample_query

__all__ = ["draw_catalog", "sample_query"]
