"""The app's pages in the stock admin, and :class:`SearchableAdmin` for a shop's product admin."""

from .catalog_check import FindingAdmin
from .experiments import ExperimentAdmin
from .images import EmbeddingAdmin
from .processors import ProcessorAdmin
from .products import SearchableAdmin
from .queries import QueryAdmin
from .rules import RankingRuleAdmin
from .runs import RunAdmin
from .storefronts import StorefrontAdmin
from .versions import IndexVersionAdmin

__all__ = [
    "EmbeddingAdmin",
    "ExperimentAdmin",
    "FindingAdmin",
    "IndexVersionAdmin",
    "ProcessorAdmin",
    "QueryAdmin",
    "RankingRuleAdmin",
    "RunAdmin",
    "SearchableAdmin",
    "StorefrontAdmin",
]
