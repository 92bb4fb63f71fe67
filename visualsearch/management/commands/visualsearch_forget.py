"""Erase what is stored of a customer's searches."""

from __future__ import annotations

import json
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from visualsearch.models import KeptPhoto, Query, Storefront
from visualsearch.search.callers import pseudonym


class Command(BaseCommand):
    help = "Erase the stored searches of a customer with their figures, events and kept photos."

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--user", metavar="KEY", help="searches of this user, by primary key")
        which.add_argument(
            "--visitor", metavar="NAME", help="searches with this value of “visitor”"
        )
        which.add_argument(
            "--query", metavar="ID", nargs="+", help="searches with these values of “query_id”"
        )
        which.add_argument(
            "--expired", action="store_true", help="expired embeddings, photos and figures"
        )
        which.add_argument(
            "--everything", action="store_true", help="all searches of all customers"
        )
        parser.add_argument(
            "--storefront", metavar="NAME", help="storefront whose key sent the visitor"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["expired"]:
            done = {"expired": Query.forget_expired()}
        else:
            done = {"queries": self.erase(options)}
        if options["json"]:
            self.stdout.write(json.dumps(done))
        else:
            self.stdout.write(", ".join(f"{name}: {count}" for name, count in done.items()))

    def erase(self, options: dict[str, Any]) -> int:
        """Delete the searches that the options select; return how many were deleted.

        Raises CommandError for an unknown storefront or a malformed query id.
        """
        if options["everything"]:
            KeptPhoto.objects.all().delete()
            return Query.erase()
        if options["user"]:
            return Query.erase(visitor=pseudonym("user", user_key(options["user"])))
        if options["query"]:
            try:
                # An asynchronous search may have failed after its photo was kept.
                KeptPhoto.objects.filter(pk__in=options["query"]).delete()
                return Query.erase(pk__in=options["query"])
            except ValidationError as error:
                raise CommandError(
                    "--query must be followed by UUIDs: the query_id of each search."
                ) from error
        storefront = self.storefront(options["storefront"])
        return Query.erase(visitor=pseudonym("visitor", options["visitor"], storefront))

    def storefront(self, name: str | None) -> int | None:
        """Return the primary key of the storefront with this name, None without a name.

        Raises CommandError if there is no such storefront.
        """
        if not name:
            return None
        try:
            return Storefront.objects.get(name=name).pk
        except Storefront.DoesNotExist as error:
            raise CommandError(f"There is no storefront “{name}”.") from error


def user_key(text: str) -> Any:
    """Return the primary key of a user that ``text`` names.

    Raises CommandError if users have keys of another type.
    """
    if not apps.is_installed("django.contrib.auth"):
        return text
    try:
        return get_user_model()._meta.pk.to_python(text)
    except ValidationError as error:
        raise CommandError(f"--user: {' '.join(error.messages)}") from error
