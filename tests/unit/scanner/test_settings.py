"""Settings of the scanner."""

from pathlib import Path

import pytest

from services.common.config import load
from services.scanner.settings import ScannerSettings


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DNSTATS_VANTAGE", "lab")
    monkeypatch.setenv("DNSTATS_SITES_IN_FLIGHT", "50")
    monkeypatch.setenv("DNSTATS_OPTOUTS", "optouts.txt")
    settings = load(ScannerSettings)
    assert (settings.vantage, settings.sites_in_flight) == ("lab", 50)
    assert settings.optouts == Path("optouts.txt")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DNSTATS_SITES_IN_FLIGHT", "0"),
        ("DNSTATS_SITES_IN_FLIGHT", "many"),
        ("DNSTATS_QUESTIONS", "1001"),
        ("DNSTATS_BATCHES_IN_FLIGHT", "-1"),
        ("DNSTATS_VANTAGE", ""),
    ],
)
def test_a_bad_setting_is_named(
    name: str,
    value: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as end:
        load(ScannerSettings)
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith(f"{name}: ")
