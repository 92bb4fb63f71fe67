"""Middleware as shops have it."""

from __future__ import annotations

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import async_only_middleware


def reads_the_form(get_response):
    """Read each form before the view does, as middleware that overrides methods does."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        request.POST.get("_method")
        return get_response(request)

    return middleware


@async_only_middleware
def only_async(get_response):
    """Answer asynchronously."""
    assert iscoroutinefunction(get_response)

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        return await get_response(request)

    return middleware


def reads_the_body(get_response):
    """Read each body before the view does, as middleware that checks signatures does."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        len(request.body)
        return get_response(request)

    return middleware
