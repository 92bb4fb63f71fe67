"""The test classes of a shop: each kind of Django's, with an index of its own."""

import pytest

CLASSES = """
    import json
    import unittest
    from pathlib import Path
    from urllib.request import ProxyHandler, build_opener
    from django.test import LiveServerTestCase, TestCase, TransactionTestCase
    from django.test.runner import DiscoverRunner
    from visualsearch import conf
    from visualsearch.testing import IsolatedIndex, index_catalog, search_by
    from visualsearch.testing import picture as photo

    folders = set()

    def found(seed):
        return [each["product"]["key"] for each in search_by(photo(seed))["results"]]

    def put(code, seed):
        article = Article.objects.create(code=code)
        Picture.objects.create(article=article, file=photo(seed))
        return article

    class Tests(IsolatedIndex):
        index_settings = {"PREDICTIONS": 1}

        def test_saved_and_deleted(self):
            folders.add(conf.get("DATA_DIR"))
            self.assertEqual(conf.get("PREDICTIONS"), 1)
            one, two = put("A", 1), put("B", 2)
            self.assertEqual(found(2), ["B", "A"])
            two.delete()
            self.assertEqual(found(2), ["A"])

        def test_other_articles(self):
            put("C", 3)
            self.assertEqual(found(1), ["C"])
            put("D", 1)
            self.assertEqual(found(1), ["D", "C"])

    class Rolled(Tests, TestCase):
        def test_callbacks_captured_twice(self):
            for code, seed in (("E", 4), ("F", 5)):
                with self.captureOnCommitCallbacks(execute=True):
                    put(code, seed)
                self.assertIn(code, exact_photos(seed))

    def exact_photos(seed):
        answer = Client().post("/api/visual-search/search/", {"image": photo(seed)}).json()
        return [e["product"]["key"] for e in answer["results"] if e["score"] > 0.999]

    class WithData(IsolatedIndex, TestCase):
        @classmethod
        def setUpTestData(cls):
            cls.article = put("G", 6)
            index_catalog()

        def test_before(self):
            self.assertEqual(found(6), ["G"])
            self.article.delete()
            self.assertEqual(found(6), [])

        def test_behind__has_the_same_revision(self):
            put("H", 7)
            self.assertEqual(found(7), ["H", "G"])

        def test_then(self):
            self.assertEqual(found(6), ["G"])

    class Committed(Tests, TransactionTestCase):
        reset_sequences = True  # versions and rows of different tests have the same keys

        def test_saved_and_others(self):
            put("J", 8), put("K", 9)
            self.assertEqual(found(9), ["K", "J"])

    class Live(Tests, LiveServerTestCase):
        def test_over_http(self):
            put("H", 7), put("I", 8)
            opener = build_opener(ProxyHandler({}))
            address = self.live_server_url + "/api/visual-search/products/H/similar/"
            with opener.open(address) as answer:
                results = json.load(answer)["results"]
            self.assertEqual([each["product"]["key"] for each in results], ["I"])

    runner = DiscoverRunner(verbosity=0)
    old = runner.setup_databases()
    load = unittest.defaultTestLoader.loadTestsFromTestCase
    classes = (Rolled, WithData, Committed, Live)
    result = runner.run_suite(unittest.TestSuite(load(each) for each in classes))
    runner.teardown_databases(old)
    print(result.testsRun, len(result.failures + result.errors))
    left = [each for each in folders if Path(each).exists()]
    print(len(folders), left, conf.get("DATA_DIR") in folders)
"""


@pytest.mark.parametrize("other", [{}, {"VISUALSEARCH": {"USE_CELERY": True, "THROTTLE": {}}}])
def test_classes_of_a_shop__have_an_index_of_their_own(run, other):
    assert run(CLASSES, other) == "12 0\n3 [] False"
