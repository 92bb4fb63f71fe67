"""System checks, each with a hint on how to fix what it finds; importing a module registers it."""

from . import catalog_attributes, classes, project, settings

__all__ = ["catalog_attributes", "classes", "project", "settings"]
