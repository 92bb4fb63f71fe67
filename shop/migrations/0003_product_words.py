from django.db import migrations


def index():
    """Return the index that makes words fast in PostgreSQL; its fields are those of ProductCatalog."""
    from django.contrib.postgres.indexes import GinIndex
    from django.contrib.postgres.search import SearchVector

    fields = ("name", "color", "material", "pattern", "style", "sku")
    return GinIndex(SearchVector(*fields, config="english"), name="product_words")


def add(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.add_index(apps.get_model("shop", "Product"), index())


def remove(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.remove_index(apps.get_model("shop", "Product"), index())


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_newest_products")]
    operations = [migrations.RunPython(add, remove)]
