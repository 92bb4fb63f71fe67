"""Database routers as Django's documentation has them."""

from typing import Any


class Replica:
    """Reads from a replica, writes to the primary."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, *args: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "default"


class ShopDatabase:
    """The shop's own tables lie in a database of their own."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "shop" if model._meta.app_label == "other_shop" else "default"

    db_for_write = db_for_read

    def allow_relation(self, *args: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return (app_label == "other_shop") == (db == "shop")
