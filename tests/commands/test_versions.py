import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.helpers.reindex import reindex
from visualsearch.versions import lifecycle


def run(capsys, *args):
    call_command("visualsearch_versions", *args)
    return capsys.readouterr().out


def test_versions__lists(sold, capsys):
    first, second = reindex().version, reindex().version
    listed = json.loads(run(capsys, "--json"))
    assert [(each["version"], each["state"]) for each in listed] == [
        (second.pk, "active"),
        (first.pk, "retired"),
    ]
    assert listed[0]["images"] == 8
    lines = run(capsys).splitlines()
    assert lines[0].split() == [str(second.pk), "active", "8", "images", "fake-1"]


def test_versions__roll_back_and_activate(sold, capsys):
    first, second = reindex().version, reindex().version
    run(capsys, "--roll-back")
    assert lifecycle.active_version() == first
    for _ in range(2):
        run(capsys, "--activate", str(second.pk))
        assert lifecycle.active_version() == second


@pytest.mark.parametrize(
    ("args", "message"),
    [(["--activate", "99"], "no version 99"), (["--roll-back"], "KEPT_VERSIONS")],
)
def test_versions__refused(db, args, message):
    with pytest.raises(CommandError, match=message):
        call_command("visualsearch_versions", *args)
