"""Starting the local machine: what `make run` and the tests of the whole pipeline do first."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict

from deploy.local.down import down
from deploy.local.process import LocalError, recorded
from deploy.local.setup import Home, Setup, State

START_SECONDS = 300.0
"""The first start fetches the broker's jars."""
SUPERVISOR_SECONDS = 30.0
POLL = 0.05


def up(home: Home, setup: Setup, say: Callable[[str], None]) -> None:
    """Returns when the services run as `setup` wants them. A machine that runs otherwise, or with
    a fault, is ended first. Raises LocalError."""
    state = home.state()
    if home.is_supervised():
        if state and state.setup == setup and state.ready and not state.fault:
            return
        say("ending the machine that runs with another setup")
        down(home)
    _launch(home, setup)
    deadline = time.monotonic() + START_SECONDS
    while not (state := _settled(home, setup)).ready:
        say(state.stage)
        if time.monotonic() > deadline:
            raise LocalError(f"not up after {START_SECONDS:.0f} s: {state.stage}")
        time.sleep(POLL)


def _launch(home: Home, setup: Setup) -> None:
    """The supervisor, which leaves for the background at once and outlives this process."""
    home.forget_state()
    log_file = home.folder / "logs" / "supervisor.log"
    log_file.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "deploy.local.supervisor", str(home.folder)]
    with log_file.open("ab") as log:
        subprocess.run(
            [*command, json.dumps(asdict(setup))],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            check=False,
        )
    deadline = time.monotonic() + SUPERVISOR_SECONDS
    while not (recorded(home.supervisor) and home.state()):
        if time.monotonic() > deadline:
            raise LocalError(f"the supervisor did not start: see {log_file}")
        time.sleep(POLL)


def _settled(home: Home, setup: Setup) -> State:
    """How far the supervisor is. Raises LocalError where it gave up or is gone."""
    supervised = home.is_supervised()
    state = home.state()
    if state and state.fault:
        raise LocalError(state.fault)
    if state is None or state.setup != setup or not supervised:
        raise LocalError(f"the supervisor ended: see {home.folder}/logs/supervisor.log")
    return state
