"""The resources command, on the model that ships."""

import json

from ml_models.lab import resources
from visualsearch.conf import SHIPPED_MODEL


def test_main__prints_one_json_object(capsys):
    resources.main([str(SHIPPED_MODEL)])
    found = json.loads(capsys.readouterr().out)
    assert found["load_ms"] > 0
    # The weights alone take a few megabytes.
    assert found["peak_memory_mb"] > 5
