import pytest
from django.utils.translation import gettext, override

from visualsearch import exceptions
from visualsearch.exceptions import VisualSearchError

KINDS = [kind for kind in vars(exceptions).values() if isinstance(kind, type)]
REFUSALS = [kind for kind in KINDS if issubclass(kind, VisualSearchError)]


@pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind.__name__)
def test_every_refusal_is_translated_with_its_placeholders(kind):
    with override("fr"):
        french = gettext(kind.message)
    assert french != kind.message
    values = {"accepted": "A", "limit": 1, "limit_mb": 2, "width": 3, "height": 4, "reason": "R"}
    values |= {"seconds": 5}
    for text in (french, kind.message):
        text % values  # an unknown placeholder raises
    used = [f"%({name})s" in kind.message for name in values]
    assert [f"%({name})s" in french for name in values] == used
