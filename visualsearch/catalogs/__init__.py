"""The interface between a shop and the search: items, their images, and who may see them.

May import ``conf`` and what is below it; knows no model of this app.
"""

from .declared import ModelCatalog
from .image_files import ImageFile, read_file
from .loaded import all_catalogs, catalog, load_catalog
from .names import catalog_names, current_catalog_name, using_catalog
from .source import CatalogSource, cards_for

__all__ = [
    "CatalogSource",
    "ImageFile",
    "ModelCatalog",
    "all_catalogs",
    "cards_for",
    "catalog",
    "catalog_names",
    "current_catalog_name",
    "load_catalog",
    "read_file",
    "using_catalog",
]
