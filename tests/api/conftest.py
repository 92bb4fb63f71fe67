import pytest

from tests.helpers.reindex import reindex


@pytest.fixture
def indexed(sold):
    """Eight indexed products."""
    reindex()
    return sold
