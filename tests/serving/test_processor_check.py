"""Machines that compute other embeddings are reported in the log, the database and the check."""

import json
import logging
from io import StringIO

import numpy as np
import pytest
from django.core.management import call_command
from django.db import DatabaseError

from tests.helpers.reindex import reindex
from visualsearch.analytics.overview import overview
from visualsearch.contrib.prometheus.state import of_rows
from visualsearch.encoders.fake import FakeEncoder
from visualsearch.encoders.known_answers import KnownAnswers, pictures
from visualsearch.models import Processor
from visualsearch.reindex.drift import find_drift
from visualsearch.search_queue.worker import load_model_and_index
from visualsearch.serving import processor_check, version_encoders

pytestmark = pytest.mark.django_db


@pytest.fixture
def overflowing(monkeypatch):
    """Give the fake encoder known answers that differ from this machine's."""
    answers = FakeEncoder().encode(pictures()).embeddings
    noise = np.random.default_rng(0).normal(size=answers.shape).astype(np.float32)
    known = KnownAnswers(embeddings=answers + 0.1 * noise)
    monkeypatch.setattr(FakeEncoder, "known_answers", known)


@pytest.fixture
def exact(monkeypatch):
    """Give the fake encoder known answers that this machine reproduces."""
    known = KnownAnswers(embeddings=FakeEncoder().encode(pictures()).embeddings)
    monkeypatch.setattr(FakeEncoder, "known_answers", known)


def test_compare__without_known_answers():
    assert processor_check.check_this_processor(FakeEncoder()) is None
    assert not Processor.objects.exists()


def test_compare__agrees(exact, caplog):
    found = processor_check.check_this_processor(FakeEncoder())
    assert found.agrees
    assert found.lowest_cosine == pytest.approx(1)
    row = Processor.objects.get()
    assert (row.name, row.agrees) == (processor_check.processor_name(), True)
    assert row.runtime.startswith("onnxruntime ")
    assert processor_check.differing_processors(row.encoder) == []
    assert "differ from the model" not in caplog.text


def test_compare__differs(overflowing, caplog):
    assert not processor_check.check_this_processor(FakeEncoder()).agrees
    assert [row.host for row in processor_check.differing_processors("fake-1")]
    assert "The embeddings of fake-1" in caplog.text
    assert "quantise" in caplog.text


def test_compare__again_replaces_what_was_found(overflowing, monkeypatch):
    processor_check.check_this_processor(FakeEncoder())
    mended = KnownAnswers(embeddings=FakeEncoder().encode(pictures()).embeddings)
    monkeypatch.setattr(FakeEncoder, "known_answers", mended)
    processor_check.check_this_processor(FakeEncoder())
    assert Processor.objects.get().agrees


def test_compare__of_two_kinds_of_processors_both_are_known(exact, monkeypatch):
    """Processors of one name may differ in instructions, which virtual machines can hide."""
    for flags in ("fpu avx2 avx512bw avx512_vnni", "fpu avx avx2"):
        monkeypatch.setattr(processor_check, "CPUINFO", Flags(flags))
        processor_check.check_this_processor(FakeEncoder())
    names = [row.name for row in Processor.objects.all()]
    assert names == ["AMD EPYC (avx2)", "AMD EPYC (avx512_vnni)"]


class Flags:
    """A fake ``/proc/cpuinfo``."""

    def __init__(self, flags):
        self.flags = flags

    def read_text(self, encoding):
        return f"processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: {self.flags}\n"


def test_processor_name__where_linux_is_not(monkeypatch, tmp_path):
    monkeypatch.setattr(processor_check, "CPUINFO", tmp_path / "none")
    assert processor_check.processor_name()


def test_compare__while_the_database_is_away(overflowing, monkeypatch, caplog):
    def away(*args, **kwargs):
        raise DatabaseError("away")

    monkeypatch.setattr(Processor.objects, "update_or_create", away)
    assert not processor_check.check_this_processor(FakeEncoder()).agrees
    assert "could not be stored: away" in caplog.text


def test_worker__compares_when_it_starts(sold, overflowing, caplog):
    reindex()
    Processor.objects.all().delete()
    with caplog.at_level(logging.WARNING):
        load_model_and_index()
    assert not Processor.objects.get().agrees
    assert "differ from the model" in caplog.text


def test_run__compares_when_it_starts(sold, overflowing):
    reindex()
    assert not Processor.objects.get().agrees


def test_check__names_it_and_fails(sold, overflowing):
    reindex()
    drift = find_drift()
    assert (drift.clean, drift.known_answers) == (False, "differ")
    assert "differ from the model" in drift.differing[0]
    out = StringIO()
    with pytest.raises(SystemExit, match="1"):
        call_command("visualsearch_check", "--json", stdout=out)
    assert json.loads(out.getvalue())["differing"] == drift.differing


def test_check__of_another_machine_that_differs(sold, exact):
    """Another machine's row is reported although this machine agrees."""
    reindex()
    row = Processor.objects.get()
    row.pk, row.name, row.lowest_cosine = None, "Another", 0.97
    row.save()
    drift = find_drift()
    assert drift.differing == [processor_check.advice_for(row)]
    assert not drift.clean


@pytest.mark.parametrize("state", ["none", "ok"])
def test_check__says_whether_there_are_known_answers(sold, state, request):
    if state == "ok":
        request.getfixturevalue("exact")
    reindex()
    drift = find_drift()
    assert (drift.known_answers, drift.clean) == (state, True)
    assert any("no known answers" in line for line in drift.lines()) == (state == "none")


@pytest.mark.parametrize(("state", "agree"), [("exact", True), ("overflowing", False)])
def test_status_overview_and_metric__say_so(sold, client, admin_client, request, state, agree):
    request.getfixturevalue(state)
    reindex()
    assert client.get("/api/visual-search/status/").json()["processors_agree"] is agree
    assert bool(overview().advice) is not agree
    page = admin_client.get("/admin/visualsearch/indexversion/overview/").content.decode()
    assert ("differ from the model" in page) is not agree
    assert processor_check.processor_name() in page
    metric = next(each for each in of_rows() if each.name.endswith("processors_differing"))
    assert metric.samples[0].value == (0 if agree else 1)


def test_admin__lists_processors_and_forgets_one(admin_client, overflowing):
    row = processor_check.check_this_processor(FakeEncoder())
    address = "/admin/visualsearch/processor/"
    page = admin_client.get(address).content.decode()
    assert processor_check.processor_name() in page
    assert "differs" in page
    pk = Processor.objects.get(name=row.name).pk
    assert admin_client.post(f"{address}{pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Processor.objects.exists()


def test_known_answers__of_the_active_version(sold, exact):
    reindex()
    assert Processor.objects.get().encoder == version_encoders.active_encoder().id
