import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab import exceptions  # noqa: E402
from ml_models.lab.photos import listings, photo_sets  # noqa: E402
from visualsearch.encoders.preprocess import InputSpec  # noqa: E402


def test_list_photos__empty_folder(tmp_path):
    with pytest.raises(ValueError, match="one folder per class"):
        listings.list_photos(tmp_path)


def write(folder, text):
    path = folder / "catalog.csv"
    path.write_text(text, "utf-8")
    return path


HEADER = "sku,name,category,price,image,images\n"


def test_list_photos__catalog(photos):
    path = write(
        photos,
        "\ufeff"
        + HEADER
        + "a,A,shoes,5,red/0.jpg,red/1.jpg | red/2.jpg\n"
        + "b,B,hats,5,blue/0.jpg,\n"
        + ",,,,,\n",
    )
    found = listings.list_photos(path)
    assert [p.name for p in found.paths] == ["0.jpg", "1.jpg", "2.jpg", "0.jpg"]
    assert found.classes == ["hats", "shoes"]
    assert found.labels == [1, 1, 1, 0]
    assert found.groups == ["a", "a", "a", "b"]
    loaded = photo_sets.load_photos(path, InputSpec(size=32))
    assert loaded.pixels.shape == (4, 3, 32, 32)
    assert loaded.groups == found.groups
    assert loaded.labels.tolist() == found.labels


def test_list_photos__products_that_share_a_picture_are_one_group(photos):
    lines = "a,A,shoes,5,red/0.jpg,red/1.jpg\nb,B,shoes,5,red/2.jpg,\n"
    found = listings.list_photos(
        write(photos, HEADER + lines + "c,C,shoes,5,red/3.jpg,red/../red/1.jpg|red/2.jpg\n")
    )
    assert len(found.paths) == 4
    assert set(found.groups) == {"c"}


def test_list_photos__photos_of_a_folder_are_products_of_their_own(photos):
    assert len(set(listings.list_photos(photos).groups)) == 12


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("sku,category\na,shoes\n", "lacks image"),
        ("", "lacks sku, category, image"),
        (HEADER, "holds no products"),
        (HEADER + "a,A,,5,red/0.jpg,\n", "line 2: category must be filled"),
        (HEADER + "a,A,shoes,5,red/0.jpg,gone.jpg\n", "line 2: there is no gone.jpg"),
        (HEADER + "a,A,shoes,5,red/0.jpg\n" * 2, "line 3: a is already on .*line 2"),
        (HEADER + "a,A, B,shoes,5,red/0.jpg,red/1.jpg\n", "line 2 has more fields"),
        (HEADER + 'a,A,shoes,5,red/0.jpg,"\n', "no CSV in UTF-8"),
        (
            HEADER + "a,A,shoes,5,red/0.jpg,\nb,B,hats,5,red/0.jpg,\n",
            "line 3: 0.jpg is also a picture of “shoes”",
        ),
    ],
)
def test_list_photos__refuses_a_catalog(photos, text, refusal):
    with pytest.raises(exceptions.Refused, match=refusal):
        listings.list_photos(write(photos, text))


def test_list_photos__refuses_what_is_no_utf8_or_not_there(photos):
    path = photos / "catalog.csv"
    path.write_bytes("sku,category,image\nä".encode("latin-1"))
    with pytest.raises(exceptions.Refused, match="CSV UTF-8"):
        listings.list_photos(path)
    with pytest.raises(exceptions.Refused, match="give a folder"):
        listings.list_photos(photos / "gone")
