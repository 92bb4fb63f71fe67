import pytest
from django.core.management import CommandError, call_command


def test_worker__searches_run_in_the_web_processes(settings):
    with pytest.raises(CommandError, match="Set USE_CELERY and REDIS_URL"):
        call_command("visualsearch_worker")


def test_worker__no_thread(configure, redis_server):
    configure(USE_CELERY=True, REDIS_URL=redis_server.url)
    with pytest.raises(CommandError, match="at least 1"):
        call_command("visualsearch_worker", "--concurrency", "0")
