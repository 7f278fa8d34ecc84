from pathlib import Path

import pytest

from services.scanner.adapters.optouts import load
from services.scanner.core.optout import NONE, BadOptOutError


def test_reads_a_file(tmp_path: Path) -> None:
    path = tmp_path / "optouts"
    path.write_text("example.com\n")
    assert load(path).covers("www.example.com")
    assert load(None) is NONE


@pytest.mark.parametrize(
    ("content", "fault"),
    [(b"example.com\na..b\n", "line 2: 'a..b'"), (b"\xff\n", "codec can't decode")],
)
def test_names_file_and_fault(tmp_path: Path, content: bytes, fault: str) -> None:
    path = tmp_path / "optouts"
    path.write_bytes(content)
    with pytest.raises(BadOptOutError) as raised:
        load(path)
    assert str(path) in str(raised.value)
    assert fault in str(raised.value)


def test_a_missing_file_is_no_empty_list(tmp_path: Path) -> None:
    with pytest.raises(BadOptOutError, match="No such file"):
        load(tmp_path / "missing")
