"""The command line as a user meets it: help, bad input, exit status."""

import subprocess
import sys
from pathlib import Path

import pytest

from services.cli.__main__ import COMMANDS, SERVICES


def dnstats(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=60)


def test_help_names_every_command_and_service(tmp_path: Path) -> None:
    done = dnstats("--help", folder=tmp_path)
    assert done.returncode == 0
    for word in (*SERVICES, *COMMANDS):
        assert f" {word} " in done.stdout


@pytest.mark.parametrize("name", ["", "http://a.test/", "192.0.2.1", "x" * 64 + ".test"])
def test_check_refuses_what_is_no_domain_name(name: str, tmp_path: Path) -> None:
    done = dnstats("check", name, folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_check_says_where_nothing_answers(tmp_path: Path) -> None:
    done = dnstats("check", "a.test", "--resolver", "127.0.0.1:1", folder=tmp_path)
    assert done.returncode == 3
    assert "127.0.0.1:1" in done.stderr


@pytest.mark.parametrize(("option", "value"), [("--resolver", "nowhere"), ("--reference", "mine")])
def test_check_names_the_bad_option(option: str, value: str, tmp_path: Path) -> None:
    done = dnstats("check", "a.test", option, value, folder=tmp_path)
    assert done.returncode == 2
    assert repr(value) in done.stderr
