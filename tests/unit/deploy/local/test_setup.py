"""The state folder of a local machine."""

from pathlib import Path

import pytest

from deploy.local.process import LocalError
from deploy.local.setup import Home, Setup, State, code_changed, given_variables


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.folder.mkdir()
    return home


def test_state_is_read_as_written(home: Home) -> None:
    state = State("running", Setup(records="/r", given={"KAFKA": "k:1"}, code=7), ready=True)
    home.write_state(state)
    assert home.state() == state
    home.forget_state()
    assert home.state() is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"stage": "x"}', '{"stage": 1, "setup": {"a": 1}}']
)
def test_a_damaged_state_is_none(home: Home, text: str) -> None:
    (home.folder / "state.json").write_text(text, "utf-8")
    assert home.state() is None


def test_env_holds_every_setting_and_only_the_owner_reads_it(home: Home) -> None:
    home.write_env({"KAFKA": "127.0.0.1:1", "RUN_SCHEDULE": "", "DATABASE": "a://b?c=d"})
    assert home.env() == {
        "DNSTATS_KAFKA": "127.0.0.1:1",
        "DNSTATS_RUN_SCHEDULE": "",
        "DNSTATS_DATABASE": "a://b?c=d",
    }
    assert home.env_file.stat().st_mode & 0o777 == 0o600


def test_lock_is_held_by_one(home: Home) -> None:
    assert not home.is_supervised()
    with home.lock():
        assert home.is_supervised()
        with pytest.raises(LocalError, match="another supervisor"), home.lock():
            pass
    assert not home.is_supervised()


def test_given_variables_are_ours_alone() -> None:
    assert given_variables({"DNSTATS_KAFKA": "k:1", "PATH": "/bin"}) == {"KAFKA": "k:1"}


def test_a_given_resolver_leaves_the_world() -> None:
    assert Setup().in_world
    assert not Setup(resolver="127.0.0.1:53").in_world
    assert not Setup(given={"RESOLVERS": "127.0.0.1:53"}).in_world


def test_code_changes_are_seen(tmp_path: Path) -> None:
    assert code_changed(tmp_path) == 0
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "new.py").touch()
    assert code_changed(tmp_path) > 0
