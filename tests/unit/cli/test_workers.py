"""Worker processes: small scripts that count in a file."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from services.cli.workers import work
from services.common.messages.envelope import BrokenError

Progress = Callable[[], tuple[int, int]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def counted(folder: Path, total: int) -> Progress:
    """Each file in the folder is one that is done."""
    return lambda: (len(list(folder.iterdir())), total)


def script(text: str, folder: Path) -> list[str]:
    return [sys.executable, "-c", f"import os, sys, pathlib\n{text}", str(folder)]


DO_ONE = "pathlib.Path(sys.argv[1], str(os.getpid())).touch()"


def test_every_worker_is_waited_for(folder: Path) -> None:
    work(script(DO_ONE, folder), 3, counted(folder, 3), "test")
    assert len(list(folder.iterdir())) == 3


def test_nothing_is_started_where_all_is_done(folder: Path) -> None:
    work(script(DO_ONE, folder), 3, counted(folder, 0), "test")
    assert list(folder.iterdir()) == []


def test_workers_see_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREETING", "hello")
    text = "pathlib.Path(sys.argv[1], os.environ['GREETING']).touch()"
    work(script(text, folder), 1, counted(folder, 1), "test")
    assert [path.name for path in folder.iterdir()] == ["hello"]


ONE_DIES = """
try:
    pathlib.Path(sys.argv[1], "first").mkdir()
except FileExistsError:
    pathlib.Path(sys.argv[1], "second").touch()
else:
    sys.exit("bad luck")
"""


def test_where_one_dies_the_others_go_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    work(script(ONE_DIES, folder), 2, counted(folder, 2), "test")
    assert "ended with status 1: bad luck" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("print('{}'); 1 / 0", "status 1: ZeroDivisionError: division by zero"),
        ("os.kill(os.getpid(), 9)", "status -9: it said nothing"),
    ],
)
def test_where_all_die_the_command_says_how_to_go_on(
    text: str, said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        work(script(text, folder), 2, counted(folder, 7), "test")
    assert ended.value.code == 1
    shown = " ".join(capsys.readouterr().err.split())
    assert said in shown
    assert shown.endswith("the workers ended at 0 of 7: run the same command again to go on")


def test_workers_that_stop_early_are_not_taken_for_finished(folder: Path) -> None:
    with pytest.raises(SystemExit):
        work(script(DO_ONE, folder), 1, counted(folder, 2), "test")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_workers_and_command(
    number: signal.Signals, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "import signal, time\n"
    text += "signal.signal(signal.SIGTERM, lambda *_: sys.exit(pathlib.Path(sys.argv[1], 'ended')"
    text += ".touch()))\nos.kill(os.getppid(), int(sys.argv[2]))\ntime.sleep(60)"
    with pytest.raises(SystemExit) as ended:
        work([*script(text, folder), str(int(number))], 1, counted(folder, 9), "test")
    assert ended.value.code == 1
    assert [path.name for path in folder.iterdir()] == ["ended"]
    assert capsys.readouterr().err.endswith("stopped: run the same command again to go on\n")
    assert signal.getsignal(signal.SIGTERM) is not signal.default_int_handler


def test_a_broker_that_is_away_meanwhile_is_waited_out(folder: Path) -> None:
    asked: list[int] = []

    def progress() -> tuple[int, int]:
        asked.append(len(asked))
        if len(asked) == 2:
            raise BrokenError("the broker does not answer")
        return counted(folder, 1)()

    work(script(DO_ONE, folder), 1, progress, "test")
    assert len(asked) > 2


def test_a_broker_that_is_away_at_the_start_is_said(folder: Path) -> None:
    def progress() -> tuple[int, int]:
        raise BrokenError("the broker does not answer")

    with pytest.raises(BrokenError):
        work(script(DO_ONE, folder), 1, progress, "test")
    assert os.listdir(folder) == []
