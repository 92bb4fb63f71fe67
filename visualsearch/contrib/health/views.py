"""Endpoints for liveness and readiness: 200 or 503, without details."""

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
    """The liveness endpoint: responds without checking anything."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Return status 200."""
        return JsonResponse({"status": "ok"})


class ReadyView(HealthCheckView):
    """The readiness endpoint: runs all checks concurrently; reasons of failures are only logged."""

    checks = (checks.Database, checks.Index, checks.Redis, checks.Workers)

    async def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return "ok" or "failed" for each check, with status 503 if one failed, else 200."""
        results = await asyncio.gather(*(each.get_result() for each in self.get_checks()))
        said = {type(each.check).__name__.lower(): word(each.error) for each in results}
        failed = any(each.error for each in results)
        values = {"status": word(failed), "checks": said}
        return JsonResponse(values, status=503 if failed else 200)


def word(error: object) -> str:
    """Return "failed" for an error, "ok" for None."""
    return "failed" if error else "ok"
