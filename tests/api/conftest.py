import pytest

from tests.reindex import reindex


@pytest.fixture
def indexed(sold):
    """Eight indexed products."""
    reindex()
    return sold
