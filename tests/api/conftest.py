import pytest

from tests.reindex import reindex


@pytest.fixture
def indexed(sold):
    """Eight products that can be found."""
    reindex()
    return sold
