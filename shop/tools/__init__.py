"""Run the production stack as local processes, without Docker: `python -m shop.tools`."""
