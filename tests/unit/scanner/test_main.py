"""What the scanner refuses before it connects to anything."""

from pathlib import Path

import pytest

from services.scanner.__main__ import main


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("DNSTATS_RESOLVERS", "dns.example", "'dns.example'"),
        ("DNSTATS_RESOLVERS", "192.0.2.1:99999", "'192.0.2.1:99999'"),
        ("DNSTATS_OPTOUTS", "missing.txt", "missing.txt"),
        ("DNSTATS_SITES_IN_FLIGHT", "0", "DNSTATS_SITES_IN_FLIGHT"),
    ],
)
def test_a_bad_setting_is_one_line_and_status_2(
    name: str,
    value: str,
    fault: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    message = capsys.readouterr().err
    assert fault in message
    assert message.count("\n") == 1
