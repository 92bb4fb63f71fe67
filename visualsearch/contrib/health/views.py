"""Whether a process lives, and whether it can search: 200 or 503, and nothing for strangers."""

from __future__ import annotations

import asyncio
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from health_check.views import HealthCheckView

from . import checks


@method_decorator(never_cache, name="dispatch")
class LiveView(View):
    """It answers; that is all it says, and all that it touches."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Always the same."""
        return JsonResponse({"status": "ok"})


class ReadyView(HealthCheckView):
    """All that a search needs, asked at the same time; the reasons are in the log."""

    checks = (checks.Database, checks.Index, checks.Redis, checks.Workers)

    async def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """One word for each check."""
        results = await asyncio.gather(*(each.get_result() for each in self.get_checks()))
        said = {type(each.check).__name__.lower(): word(each.error) for each in results}
        failed = any(each.error for each in results)
        values = {"status": word(failed), "checks": said}
        return JsonResponse(values, status=503 if failed else 200)


def word(error: object) -> str:
    """What the world is told."""
    return "failed" if error else "ok"
