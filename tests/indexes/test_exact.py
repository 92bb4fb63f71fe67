from tests.indexes.contract import FileContract
from visualsearch.indexes.exact import ExactIndex


class TestExactIndex(FileContract):
    kind = ExactIndex
