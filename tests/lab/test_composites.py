from ml_models.lab import composites
from tests.lab.helpers.flat_garments import lying


def test_main__shows_pairs(tmp_path, capsys):
    for label in ("t-shirt", "pants"):
        (tmp_path / label).mkdir()
        lying(label)[0].save(tmp_path / label / "1.jpg")
    out = tmp_path / "sheet.png"
    composites.main(["--data", str(tmp_path), "--out", str(out), "--count", "4"])
    assert "4 of 4 photos" in capsys.readouterr().out
    assert out.stat().st_size > 1000
