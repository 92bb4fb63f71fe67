"""Build once per test module, which takes a second."""

import pytest

from .artefacts import ROOT, Artefacts, build


@pytest.fixture(scope="module")
def artefacts(tmp_path_factory) -> Artefacts:
    return build(ROOT, tmp_path_factory.mktemp("dist"))
