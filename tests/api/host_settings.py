"""The sample shop in a project whose REST framework defaults are all different."""

from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation

from shop.settings import *  # noqa: F403


class NothingAccepted(DefaultContentNegotiation):
    def select_renderer(self, *args: Any, **kwargs: Any) -> Any:
        raise AssertionError("the host's content negotiation was used")


def fail(exc: Exception, context: Any) -> None:
    raise AssertionError("the host's exception handler was used")


REST_FRAMEWORK = {
    "EXCEPTION_HANDLER": "tests.api.host_settings.fail",
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.BasicAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.AnonRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"anon": "1/day"},
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
    "ALLOWED_VERSIONS": ["7"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.BrowsableAPIRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.FileUploadParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "tests.api.host_settings.NothingAccepted",
    "DEFAULT_METADATA_CLASS": None,
    "UNAUTHENTICATED_USER": None,
    "UNICODE_JSON": False,
    "COMPACT_JSON": False,
    "NON_FIELD_ERRORS_KEY": "host",
    "NUM_PROXIES": 0,
}
DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_HANDLER_CLASS": "tests.api.host_settings.fail",
    "EXCEPTION_FORMATTER_CLASS": "tests.api.host_settings.fail",
}
