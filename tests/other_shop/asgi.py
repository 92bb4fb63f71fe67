"""The shop for a server that speaks ASGI."""

from django.core.asgi import get_asgi_application

application = get_asgi_application()
