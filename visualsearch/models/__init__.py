"""The app's models. Rows are the source of truth; index files are copies of them."""

from .catalog_check import CatalogCheck, Finding
from .chunks import RunChunk
from .experiments import Experiment
from .index import Embedding, IndexVersion, Revision, Run, from_bytes, to_bytes
from .pictures import RepeatedPicture
from .processors import Processor
from .queries import Event, KeptPhoto, Query, Refusal
from .repairs import Repair
from .rules import RankingRule, RuleChange, RulesRevision
from .storefronts import Storefront

__all__ = [
    "CatalogCheck",
    "Embedding",
    "Event",
    "Experiment",
    "Finding",
    "IndexVersion",
    "KeptPhoto",
    "Processor",
    "Query",
    "RankingRule",
    "Refusal",
    "Repair",
    "RepeatedPicture",
    "Revision",
    "RuleChange",
    "RulesRevision",
    "Run",
    "RunChunk",
    "Storefront",
    "from_bytes",
    "to_bytes",
]
