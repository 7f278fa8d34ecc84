from pathlib import Path

import pytest

from services.common.config import load
from services.scheduler.settings import Settings


@pytest.fixture(autouse=True)
def _no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_times_of_the_original_are_the_defaults() -> None:
    settings = load(Settings)
    assert (settings.import_schedule, settings.run_schedule) == ("1 1 * * *", "0 8 * * *")
    assert settings.grader_names == ("spf", "dmarc", "mx")


def test_graders_are_names_with_commas_between() -> None:
    assert load(Settings, graders=" spf, mx,").grader_names == ("spf", "mx")


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("run_schedule", "at eight", "no cron expression"),
        ("mail_server", "mail.example", "not host:port"),
        ("mail_server", ":25", "not host:port"),
        ("mail_server", "mail.example:70000", "not host:port"),
        ("botched_below", "92", "less than or equal to 1"),
        ("development_top", "0", "greater than or equal to 1"),
        ("deadline_hours", "-1", "greater than 0"),
    ],
)
def test_a_bad_setting_is_named_and_nothing_starts(
    name: str,
    value: str,
    fault: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(f"DNSTATS_{name.upper()}", value)
    with pytest.raises(SystemExit, match="2"):
        load(Settings)
    said = capsys.readouterr().err
    assert said.startswith(f"DNSTATS_{name.upper()}: ")
    assert fault in said
    assert value in said
