"""When to try again to read images that could not be read."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from ..models import Embedding

# Delay before an unreadable file is tried again, by the number of attempts.
RETRY_AFTER = [timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720)]


def due_for_retry() -> list[str]:
    """Return the keys of the items with an unreadable image that should be tried again now."""
    failed = Embedding.objects.filter(removed=False, retry_at__lte=timezone.now())
    return list(failed.order_by("item").values_list("item", flat=True).distinct())
