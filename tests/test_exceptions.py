import pickle

from visualsearch.exceptions import ImageTooLarge


def test_error__survives_pickling():
    error = ImageTooLarge(limit_mb=12)
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.params, str(copy)) == (ImageTooLarge, {"limit_mb": 12}, str(error))
