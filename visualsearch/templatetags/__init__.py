"""Template tags for a shop's pages."""
