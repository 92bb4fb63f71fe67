"""The production stack as processes of this machine, without Docker: `python -m shop.tools`."""
