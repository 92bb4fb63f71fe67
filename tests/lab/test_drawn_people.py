from PIL import Image

from ml_models.lab import drawn_people
from ml_models.lab.drawing.person import SIZE


def test_main__draws_a_sheet(tmp_path):
    drawn_people.main(["--out", str(tmp_path / "sheet.png"), "--count", "3"])
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (10 * SIZE[0], SIZE[1])
