import hashlib
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from services.scheduler.adapters import list_source
from services.scheduler.adapters.list_source import list_file
from services.scheduler.core.ranked_list import MAX_LINE
from services.scheduler.handler.ports import ListError

LIST = b"1,a.test\n2,b.test\n"


def _lines(source: str | Path) -> list[bytes]:
    with list_file(str(source)) as file:
        return list(file.lines())


def _zip(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def web() -> Iterator[tuple[str, dict[str, tuple[int, dict[str, str], bytes]]]]:
    """Address of a server, and what it answers by path: status, headers, body."""
    answers: dict[str, tuple[int, dict[str, str], bytes]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answers[self.path]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", answers
        server.shutdown()
        thread.join()


def test_a_file_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(LIST)
    assert _lines(path) == [b"1,a.test\n", b"2,b.test\n"]
    with list_file(str(path)) as file:
        assert (file.name, file.sha256) == ("list.csv", hashlib.sha256(LIST).digest())


def test_a_zipped_file_is_recognised_by_its_content(tmp_path: Path) -> None:
    path = _zip(tmp_path / "list.csv", top=LIST)
    assert _lines(path) == [b"1,a.test\n", b"2,b.test\n"]


def test_an_archive_must_hold_one_file(tmp_path: Path) -> None:
    path = _zip(tmp_path / "list.zip", one=LIST, two=LIST)
    with pytest.raises(ListError, match=r"list\.zip is an archive of 2 files, not of one"):
        _lines(path)


def test_a_damaged_archive_is_an_error_of_the_list(tmp_path: Path) -> None:
    path = _zip(tmp_path / "list.zip", top=LIST * 10_000)
    damaged = bytearray(path.read_bytes())
    damaged[60:90] = bytes(30)
    path.write_bytes(damaged)
    with pytest.raises(ListError, match=r"list\.zip cannot be read"):
        _lines(path)
    path.write_bytes(b"PK\x03\x04 nothing more")
    with pytest.raises(ListError, match=r"list\.zip cannot be read"):
        _lines(path)


def test_a_line_that_is_far_too_long_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"1," + b"a" * 10_000 + b",2,b.test\n2,b.test\n")
    first, second = _lines(path)
    assert MAX_LINE < len(first) <= MAX_LINE + 2
    assert second == b"2,b.test\n"


def test_a_list_that_grows_beyond_measure_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_source, "MAX_TEXT", 1000)
    path = _zip(tmp_path / "bomb.zip", top=b"a" * 100_000)
    with pytest.raises(ListError, match=r"bomb\.zip is larger than 1,000 bytes unzipped"):
        _lines(path)


def test_what_is_no_file_and_no_url_is_said(tmp_path: Path) -> None:
    for source in (tmp_path / "nothing", tmp_path, "ftp://example.test/list", "file:///etc/passwd"):
        with pytest.raises(ListError, match="neither a file nor an http or https URL"):
            _lines(source)


def test_a_url_is_downloaded(
    web: tuple[str, dict[str, tuple[int, dict[str, str], bytes]]], tmp_path: Path
) -> None:
    address, answers = web
    zipped = _zip(tmp_path / "list", top=LIST).read_bytes()
    answers["/top-1m.csv.zip"] = (200, {"Content-Length": str(len(zipped))}, zipped)
    seen = []
    with list_file(f"{address}/top-1m.csv.zip", lambda done, of: seen.append((done, of))) as file:
        assert list(file.lines()) == [b"1,a.test\n", b"2,b.test\n"]
        assert file.name == "top-1m.csv.zip"
    assert seen == [(len(zipped), len(zipped))]
    assert not file.path.exists()


def test_a_download_that_fails_is_an_error_of_the_list(
    web: tuple[str, dict[str, tuple[int, dict[str, str], bytes]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address, answers = web
    answers["/gone"] = (404, {}, b"")
    answers["/empty"] = (204, {}, b"")
    answers["/short"] = (200, {"Content-Length": "100"}, LIST)
    answers["/large"] = (200, {}, LIST)
    with pytest.raises(ListError, match=r"/gone cannot be downloaded: .*404"):
        _lines(f"{address}/gone")
    with pytest.raises(ListError, match="/empty answers with status 204"):
        _lines(f"{address}/empty")
    with pytest.raises(ListError, match="/short broke off after 18 of 100 bytes"):
        _lines(f"{address}/short")
    with pytest.raises(ListError, match="cannot be downloaded"):
        _lines("http://127.0.0.1:1/list")
    monkeypatch.setattr(list_source, "MAX_FILE", 10)
    with pytest.raises(ListError, match="/large is larger than 10 bytes"):
        _lines(f"{address}/large")
