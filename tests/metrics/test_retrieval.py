import pytest

from visualsearch.metrics.retrieval import first_rank, query_scores, retrieval_metrics


def test_retrieval_metrics():
    metrics = retrieval_metrics([1, 3, None, 10])
    assert metrics["recall@1"] == 0.25
    assert metrics["recall@5"] == 0.5
    assert metrics["recall@10"] == 0.75
    assert metrics["mrr"] == pytest.approx((1 + 1 / 3 + 1 / 10) / 4, abs=1e-4)


def test_retrieval_metrics__no_queries():
    assert retrieval_metrics([]) == {}


def test_query_scores__means_are_the_metrics():
    ranks = [1, 3, None, 10, 7]
    means = {name: round(float(scores.mean()), 4) for name, scores in query_scores(ranks).items()}
    assert means == retrieval_metrics(ranks)


def test_query_scores__no_queries():
    assert query_scores([]) == {}


def test_first_rank():
    assert first_rank(["a", "b", "c"], {"c", "b"}) == 2
    assert first_rank(["a"], {"z"}) is None
