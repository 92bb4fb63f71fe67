import hashlib
import http.server
import threading

import pytest

from tests.corpus.__main__ import main
from tests.corpus.fuzz import SEEDS, SUFFIXES, generate
from tests.corpus.memory import grows
from tests.helpers.reindex import reindex
from visualsearch.photos.decode import Limits, open_photo
from visualsearch.photos.format_limits import with_heic


@pytest.fixture
def shop(live_server, sold, configure):
    configure(HEIC=True)
    reindex()
    return live_server


def test_corpus__of_damaged_pictures(shop, tmp_path, capsys):
    folder = str(tmp_path / "corpus")
    # Response times are not tested here, because they depend on the machine.
    few = ["--generate", "400", "--clients", "1", "--slowest", "600"]
    assert main([folder, "--url", shop.url, *few]) == 0
    printed = capsys.readouterr().out
    assert "3200 answers" in printed
    for kind in (".jpg", ".png", ".webp", ".gif", ".bmp", ".avif", ".heic"):
        assert f"| {kind} | 422 | image_corrupt |" in printed
        assert f"| {kind} | 200 |" in printed
    assert "| .jpg | 200 | image_truncated |" in printed
    assert "| .png | 200 | image_truncated |" in printed


# Digest of 700 files with seed 1. It depends only on tests/corpus/seeds and the fuzzer, not on any
# encoder or compression.
GENERATED = "930068741464f5981c0be59e32f2470e8ff35fb2ba67ed6e5d5a61dc2ecf934b"


def digest(folder):
    """Return the SHA-256 of all names and contents in a folder."""
    found = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        found.update(f"{path.name} {path.stat().st_size}\n".encode() + path.read_bytes())
    return found.hexdigest()


def test_generate__is_the_same_for_the_same_seed_on_every_machine(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        generate(tmp_path / name, 700, seed)
    assert len(list((tmp_path / "a").iterdir())) == 700
    assert digest(tmp_path / "a") == digest(tmp_path / "b") == GENERATED
    assert digest(tmp_path / "c") != GENERATED


def test_seeds__are_whole_and_small():
    with_heic()
    paths = sorted(SEEDS.iterdir())
    assert {path.suffix[1:] for path in paths} == set(SUFFIXES)
    for path in paths:
        open_photo(path.read_bytes(), limits=Limits(formats=with_heic()))
    assert sum(path.stat().st_size for path in paths) < 150_000


ANSWERS = {
    "a crash": (500, "application/json", b'{"errors": [{"code": "error"}]}'),
    "a page": (400, "text/html", b"<h1>Bad request</h1>"),
    "another shape": (400, "application/json", b'{"detail": "bad"}'),
    "declared as a page": (400, "text/html", b'{"errors": [{"code": "error"}]}'),
    "nothing": None,
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_corpus__notices(answer, tmp_path, capsys):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            if answer is None:
                return
            status, kind, body = answer
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        assert main([str(tmp_path), "--url", url, "--generate", "2"]) == 1
        server.shutdown()
        thread.join()
    assert capsys.readouterr().out.count("FAILED") == 16


def test_corpus__of_nothing(tmp_path):
    assert main([str(tmp_path)]) == 1


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        ([200.0] * 60, False),
        ([100.0, 150.0, 200.0, 250.0, *[300.0] * 56], False),  # caches fill
        ([300.0, 340.0] * 30, False),  # memory fluctuates
        ([300.0 + 3 * n for n in range(60)], True),
        ([1000.0 + 1 * n for n in range(60)], False),
        ([200.0], False),
    ],
)
def test_memory__grows(measured, expected):
    assert grows(measured) is expected
