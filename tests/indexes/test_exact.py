from tests.indexes.contract import IndexContract
from visualsearch.indexes.exact import ExactIndex


class TestExactIndex(IndexContract):
    kind = ExactIndex
