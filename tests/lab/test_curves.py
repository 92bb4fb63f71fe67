import pytest

pytest.importorskip("matplotlib", reason="./run test --lab installs it")

from ml_models.lab.curves import main


def test_curves__no_log_yet(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path)])
    assert "after the first epoch" in capsys.readouterr().err
