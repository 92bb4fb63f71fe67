from decimal import Decimal
from io import BytesIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models.signals import post_save
from PIL import Image

from shop.models import Category, Product, ProductImage

from .conftest import png

pytestmark = pytest.mark.django_db


def noise(kind: str, **options) -> bytes:
    buffer = BytesIO()
    Image.effect_noise((100, 100), 50).convert("RGB").save(buffer, kind, **options)
    return buffer.getvalue()


def content(image: ProductImage) -> bytes:
    with image.image.open() as file:
        return file.read()


@pytest.fixture
def load(capsys):
    """A function that loads a file and returns the command's output."""

    def run(path):
        call_command("load_catalog", str(path))
        return capsys.readouterr()

    return run


@pytest.fixture
def refused(capsys):
    """A function that loads an invalid file, checks that nothing changes, and returns stderr."""

    def run(path):
        before = list(Product.objects.values())
        with pytest.raises(CommandError, match="Nothing was loaded"):
            call_command("load_catalog", str(path))
        assert list(Product.objects.values()) == before
        return capsys.readouterr().err

    return run


@pytest.fixture
def saved():
    """The list of saved rows, in order."""
    objects = []

    def remember(sender, instance, **kwargs):
        if sender in (Product, ProductImage):
            objects.append(instance)

    post_save.connect(remember)
    yield objects
    post_save.disconnect(remember)


# --- a good file ------------------------------------------------------------------------------


def test_load__all_columns(load, write_catalog):
    path = write_catalog(
        {
            "sku": "X-1",
            "name": "Shoe, red",
            "price": "1234.5",
            "style": "X",
            "gender": "Women",
            "color": "red",
            "material": "Leather",
            "pattern": "Plain",
            "stock": "7",
            "images": "images/green.png | images/blue.png",
        }
    )
    assert load(path).out == "created: 1, updated: 0, unchanged: 0\n"
    product = Product.objects.get()
    assert (product.sku, product.name, product.price) == ("X-1", "Shoe, red", Decimal("1234.50"))
    assert (product.style, product.gender, product.color) == ("X", "Women", "red")
    assert (product.material, product.pattern, product.stock) == ("Leather", "Plain", 7)
    assert product.category.name == "Shoes"
    contents = [content(image) for image in product.images.all()]
    assert contents == [png("red"), png("green"), png("blue")]


def test_load__only_the_required_columns(load, write_catalog):
    load(write_catalog({}))
    product = Product.objects.get()
    assert product.published
    assert product.in_stock


def test_load__twice_changes_nothing(load, write_catalog, saved, stored):
    path = write_catalog({"color": "red"}, {"image": "images/blue.png"})
    load(path)
    files = stored()
    saved.clear()
    assert load(path).out == "created: 0, updated: 0, unchanged: 2\n"
    assert saved == []
    assert stored() == files


def test_load__created_product_is_saved_once(load, write_catalog, saved):
    load(write_catalog({}))
    assert [type(item) for item in saved] == [Product, ProductImage]


def test_load__saves_only_what_changed(load, write_catalog, saved):
    load(write_catalog({}, {"sku": "S2"}))
    saved.clear()
    assert load(write_catalog({}, {"price": "9"})).out == "created: 0, updated: 1, unchanged: 1\n"
    assert [item.sku for item in saved] == ["S2"]
    assert Product.objects.get(sku="S2").price == 9


def test_load__changed_picture_replaces_the_file(load, write_catalog, folder, stored):
    load(write_catalog({}))
    image = ProductImage.objects.get()
    (folder / "images/red.png").write_bytes(png("black"))
    assert load(write_catalog({})).out == "created: 0, updated: 1, unchanged: 0\n"
    image.refresh_from_db()
    assert content(image) == png("black")
    assert len(stored()) == 1


def test_load__lost_file_is_stored_again(load, write_catalog, stored):
    load(write_catalog({}))
    image = ProductImage.objects.get().image
    image.storage.delete(image.name)
    load(write_catalog({}))
    assert len(stored()) == 1


def test_load__shorter_list_of_images_removes_the_rest(load, write_catalog, stored):
    load(write_catalog({"images": "images/green.png|images/blue.png"}))
    load(write_catalog({"images": "images/green.png"}))
    assert ProductImage.objects.count() == 2
    assert len(stored()) == 2


def test_load__without_images_column_keeps_pictures_added_by_hand(load, write_catalog):
    load(write_catalog({"images": "images/green.png"}))
    assert load(write_catalog({})).out == "created: 0, updated: 0, unchanged: 1\n"
    assert ProductImage.objects.count() == 2


def test_load__without_a_column_keeps_its_values(load, write_catalog):
    load(write_catalog({"color": "red", "stock": "3"}))
    load(write_catalog({}, without=("price",)))
    product = Product.objects.get()
    assert (product.color, product.stock, product.price) == ("red", 3, Decimal("12.50"))


def test_load__without_price_says_so_once(load, write_catalog):
    printed = load(write_catalog({}, {}, without=("price",)))
    assert printed.err.count("The column price is missing") == 1
    assert {product.price for product in Product.objects.all()} == {0}


def test_load__hidden_product_stays_hidden(load, write_catalog):
    load(write_catalog({}))
    Product.objects.update(published=False)
    load(write_catalog({"name": "New"}))
    assert not Product.objects.get().published


def test_load__one_category_for_two_spellings(load, write_catalog):
    load(write_catalog({"category": "Rain Coats"}, {"category": "rain coats"}))
    assert Category.objects.get().name == "Rain Coats"


def test_load__byte_order_mark_and_crlf(load, write_catalog):
    load(write_catalog({"name": "Été"}, encoding="utf-8-sig"))
    assert Product.objects.get().name == "Été"


def test_load__blank_lines_are_skipped(load, write_catalog):
    path = write_catalog({})
    path.write_text(path.read_text() + "\n,,,,\n\n")
    assert load(path).out == "created: 1, updated: 0, unchanged: 0\n"


def test_load__stored_name_follows_the_format_not_the_file(load, write_catalog, folder, stored):
    (folder / "page.html").write_bytes(png("red"))
    load(write_catalog({"image": "page.html"}))
    assert stored() == ["s1-1.png"]


@pytest.mark.parametrize(
    ("kind", "suffix"), [("JPEG", "jpg"), ("MPO", "jpg"), ("WEBP", "webp"), ("GIF", "gif")]
)
def test_load__kinds_of_pictures(load, write_catalog, folder, stored, kind, suffix):
    options = (
        {"save_all": True, "append_images": [Image.new("RGB", (8, 8))]} if kind == "MPO" else {}
    )
    (folder / "photo").write_bytes(noise(kind, **options))
    load(write_catalog({"image": "photo"}))
    assert stored() == [f"s1-1.{suffix}"]


def test_load__thousands_of_rows(load, write_catalog, django_assert_max_num_queries):
    path = write_catalog(*[{} for _ in range(1500)])
    load(path)
    with django_assert_max_num_queries(20):
        assert load(path).out == "created: 0, updated: 0, unchanged: 1500\n"


# --- a bad file -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "column", "text"),
    [
        ({"sku": ""}, "sku", "Empty."),
        ({"sku": "S1"}, "sku", "“S1” is already on line 2"),
        ({"sku": "S" * 65}, "sku", "Shorten it to 64"),
        ({"name": " "}, "name", "Empty."),
        ({"name": "N" * 201}, "name", "Shorten it to 200"),
        ({"category": ""}, "category", "Empty."),
        ({"category": "—"}, "category", "no letter or digit"),
        ({"price": ""}, "price", "Write an amount such as 12.50"),
        ({"price": "-3"}, "price", "“-3” is negative"),
        ({"price": "cheap"}, "price", "“cheap” is not a price"),
        ({"price": "12,50"}, "price", "Write an amount such as 12.50"),
        ({"price": "NaN"}, "price", "“NaN” is not a price"),
        ({"price": "Infinity"}, "price", "“Infinity” is not a price"),
        ({"price": "1e30"}, "price", "too high"),
        ({"price": "1.005"}, "price", "fractions of a cent"),
        ({"stock": "-1"}, "stock", "Write a whole number"),
        ({"stock": "2.5"}, "stock", "Write a whole number"),
        ({"stock": "²"}, "stock", "Write a whole number"),
        ({"stock": "99999999999"}, "stock", "Write a whole number"),
        ({"image": ""}, "image", "Empty."),
        ({"image": "images/none.png"}, "image", "File “images/none.png” not found"),
        ({"image": "images"}, "image", "File “images” not found"),
        ({"image": "x" * 5000}, "image", "not found"),
        ({"image": "../secret.png"}, "image", "outside the catalog's folder"),
        ({"image": "/etc/hostname"}, "image", "outside the catalog's folder"),
        ({"image": "images/link.png"}, "image", "outside the catalog's folder"),
        ({"image": "images/torn.png"}, "image", "cannot be read as a picture"),
        ({"image": "images/text.png"}, "image", "cannot be read as a picture"),
        ({"image": "images/drawing.eps"}, "image", "cannot be read as a picture"),
        ({"images": "images/blue.png|images/none.png"}, "images", "“images/none.png”"),
        ({"name": "a\x00b"}, "name", "NUL"),
    ],
)
def test_load__bad_row_is_named(refused, write_catalog, folder, tmp_path, row, column, text):
    (tmp_path / "secret.png").write_bytes(png("red"))
    (folder / "images/link.png").symlink_to(tmp_path / "secret.png")
    (folder / "images/torn.png").write_bytes(noise("PNG")[:-2000])
    (folder / "images/text.png").write_bytes(b"not a picture")
    (folder / "images/drawing.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9")
    printed = refused(write_catalog({}, row, {}))
    assert f"catalog.csv, line 3, column {column}: " in printed
    assert text in printed
    assert printed.count("catalog.csv, line") == 1


def test_load__picture_with_too_many_pixels(refused, write_catalog, folder):
    (folder / "images/huge.png").write_bytes(png("red", (9000, 9000), 1))
    assert "has 81 million pixels" in refused(write_catalog({"image": "images/huge.png"}))


def test_load__every_problem_of_every_row(refused, write_catalog):
    printed = refused(write_catalog({"price": "x", "name": ""}, {"image": "none.png"}))
    assert "line 2, column name" in printed
    assert "line 2, column price" in printed
    assert "line 3, column image" in printed


def test_load__line_after_a_field_with_line_breaks(refused, write_catalog):
    printed = refused(write_catalog({"material": "wool\nand\nsilk"}, {"price": "x"}))
    assert "line 5, column price" in printed


def test_load__too_few_fields(refused, write_catalog):
    path = write_catalog({})
    path.write_text(path.read_text() + "S2,Shoe,Shoes\n")
    assert "line 3: The row has 3 fields, but the first line names 5" in refused(path)


def test_load__too_many_fields(refused, write_catalog):
    path = write_catalog({})
    path.write_text(path.read_text() + "S2,Shoe, red,Shoes,12,images/red.png\n")
    assert "line 3: The row has 6 fields" in refused(path)


def test_load__missing_columns_are_named(refused, write_catalog):
    printed = refused(write_catalog({}, without=("name", "image")))
    assert "line 1: The first line lacks name, image" in printed


def test_load__column_named_twice(refused, folder):
    path = folder / "catalog.csv"
    path.write_text("sku,name,category,price,price,image\n")
    assert "names price twice" in refused(path)


def test_load__not_utf8(refused, write_catalog):
    assert "not in UTF-8" in refused(write_catalog({"name": "Été"}, encoding="latin-1"))


def test_load__empty_file(refused, folder):
    path = folder / "catalog.csv"
    path.write_text("")
    assert "The file is empty" in refused(path)


def test_load__torn_quotes(refused, write_catalog):
    path = write_catalog({})
    path.write_text(path.read_text() + '"S2,Shoe')
    assert "not a CSV file" in refused(path)


def test_load__missing_file(tmp_path):
    with pytest.raises(CommandError, match="not found"):
        call_command("load_catalog", str(tmp_path / "none.csv"))


def test_load__failure_while_writing_leaves_nothing(write_catalog, monkeypatch, stored):
    save = ProductImage.save

    def fail_for_second(self, *args, **kwargs):
        if self.product.sku == "S2":
            raise OSError("disk full")
        save(self, *args, **kwargs)

    monkeypatch.setattr(ProductImage, "save", fail_for_second)
    with pytest.raises(OSError, match="disk full"):
        call_command("load_catalog", str(write_catalog({}, {})))
    assert not Product.objects.exists()
    assert stored() == []


def test_load__failure_while_replacing_keeps_the_old_file(
    load, write_catalog, folder, monkeypatch, stored
):
    load(write_catalog({}))
    before = stored()
    (folder / "images/red.png").write_bytes(png("black"))

    def fail(self, *args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(Product, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        call_command("load_catalog", str(write_catalog({})))
    assert stored() == before
    assert content(ProductImage.objects.get()) == png("red")
