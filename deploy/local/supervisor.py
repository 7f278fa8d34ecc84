"""The process that starts the local machine, restarts what dies, and ends it.

`python -m deploy.local.supervisor FOLDER SETUP` with SETUP as JSON; it goes on in the background
and ends by SIGTERM.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from deploy.local.kafka import Kafka
from deploy.local.ports import LOOPBACK, kept_ports, listens
from deploy.local.postgres import Postgres
from deploy.local.process import Child, LocalError, remember, stop_recorded, wait_until
from deploy.local.setup import (
    GRADERS,
    LOCAL_SETTINGS,
    PREFIX,
    PROCESSORS,
    SCANNERS,
    Home,
    Setup,
    State,
)

WATCH_SECONDS = 0.2
LONGEST_PAUSE = 10.0
STEADY_SECONDS = 10.0
"""A process that lived so long is restarted at once, and its earlier deaths are forgotten."""
FATAL_DEATHS = 5
"""Deaths in a row before the machine was ready: it never will be."""


@dataclass(slots=True)
class Watched:
    """A process that has to live. `start` is called again whenever it died."""

    child: Child
    start: Callable[[], None]
    deaths: int = 0
    started_at: float = 0.0
    due_at: float = 0.0


class Supervisor:
    def __init__(self, home: Home, setup: Setup) -> None:
        self._home = home
        self._setup = setup
        self._settings = dict(LOCAL_SETTINGS)
        self._watched: list[Watched] = []
        self._starting = self._asked_to_stop = False

    def run(self) -> None:
        """Until a signal ends the process. Raises LocalError where another supervisor is at it."""
        with self._home.lock():
            signal.signal(signal.SIGTERM, self._on_signal)
            signal.signal(signal.SIGINT, self._on_signal)
            self._home.supervisor.parent.mkdir(parents=True, exist_ok=True)
            remember(self._home.supervisor, os.getpid())
            try:
                self._say("clearing what an earlier machine left")
                stop_recorded(self._home.records)
                self._bring_up()
                self._watch()
            except LocalError as error:
                self._say("stopped", fault=str(error))
            finally:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                self._take_down()
                self._home.supervisor.unlink(missing_ok=True)

    def _bring_up(self) -> None:
        self._say("starting broker, database and world")
        waits = [*self._start_world(), *self._start_database(), *self._start_broker()]
        for wait in waits:
            wait()
        self._settings |= self._setup.given
        self._home.write_env(self._settings)
        self._say("bringing schema and topics up to date")
        self._command("database", "migrate")
        self._command("topics", "apply")
        self._say("starting the services")
        for name, arguments in _services():
            self._keep(self._service(name, arguments))
        self._say("running", ready=True)

    def _start_broker(self) -> list[Callable[[], None]]:
        if "KAFKA" in self._setup.given:
            return []
        kafka = Kafka(self._home.folder / "kafka")
        self._settings["KAFKA"] = kafka.bootstrap
        self._keep(kafka.child, kafka.start)
        return [kafka.wait]

    def _start_database(self) -> list[Callable[[], None]]:
        if "DATABASE" in self._setup.given:
            return []
        postgres = Postgres(self._home.folder / "postgres")
        self._keep(postgres.child, postgres.start)
        self._settings["DATABASE"] = postgres.dsn()
        return [postgres.wait]

    def _start_world(self) -> list[Callable[[], None]]:
        """The world's server, or the settings for the real DNS."""
        if not self._setup.in_world:
            real = {"RESOLVERS": self._setup.resolver, "TARGETS": "public", "REFERENCE": "public"}
            self._settings |= real
            return []
        folder = self._home.list_file.parent
        port = kept_ports(folder / "ports.json", 1)[0]
        command = [sys.executable, "-m", "deploy.local.world", "--port", str(port)]
        command += ["--targets", str(self._home.targets_file), "--list", str(self._home.list_file)]
        if self._setup.records:
            command += ["--records", self._setup.records]
        else:
            command += ["--scale", str(self._setup.scale)]
        world = Child("world", command, self._home.folder)
        self._settings |= {
            "RESOLVERS": f"{LOOPBACK}:{port}",
            "TARGETS": str(self._home.targets_file),
            "REFERENCE": "world",
        }
        self._keep(world)
        return [lambda: wait_until(lambda: listens(port), world, 120)]

    def _service(self, name: str, arguments: list[str]) -> Child:
        command = [sys.executable, "-m", "services.cli", *arguments]
        return Child(name, command, self._home.folder, env=self._environment())

    def _command(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "services.cli", *arguments]
        done = subprocess.run(
            command, env=self._environment(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            raise LocalError(f"dnstats {' '.join(arguments)}: {said}")

    def _environment(self) -> dict[str, str]:
        """The variables of a service: only these DNSTATS_ ones, whatever the caller has."""
        own = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
        return own | {f"{PREFIX}{name}": value for name, value in self._settings.items()}

    def _keep(self, child: Child, start: Callable[[], None] | None = None) -> None:
        watched = Watched(child, start or child.start)
        self._watched.append(watched)
        self._start(watched)
        watched.started_at = time.monotonic()

    def _start(self, watched: Watched) -> None:
        """Whole, whatever signal comes: a process that nobody has noted would outlive us."""
        self._starting = True
        try:
            watched.start()
        finally:
            self._starting = False
        if self._asked_to_stop:
            raise SystemExit(0)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._asked_to_stop = True
        if not self._starting:
            raise SystemExit(0)

    def _watch(self) -> None:
        while True:
            for watched in self._watched:
                self._look_after(watched)
            time.sleep(WATCH_SECONDS)

    def _look_after(self, watched: Watched) -> None:
        if watched.child.alive():
            return
        now = time.monotonic()
        if not watched.due_at:
            steady = now - watched.started_at > STEADY_SECONDS
            watched.deaths = 1 if steady else watched.deaths + 1
            pause = min(0.5 * (2 ** (watched.deaths - 1) - 1), LONGEST_PAUSE)
            watched.due_at = now + pause
            self._note(watched)
        if now >= watched.due_at:
            self._start(watched)
            watched.started_at, watched.due_at = now, 0.0

    def _note(self, watched: Watched) -> None:
        name, code = watched.child.name, watched.child.exit_code()
        print(f"{name} ended with status {code}, death {watched.deaths} in a row", flush=True)
        if watched.deaths == FATAL_DEATHS:
            fault = f"{name} keeps dying (status {code}):\n{watched.child.tail()}"
            self._say(f"{name} keeps dying", ready=True, fault=fault)

    def _take_down(self) -> None:
        """Services before what they stand on, each kind at once."""
        stands_on = [one for one in self._watched if one.child.name in ("kafka", "postgres")]
        services = [one for one in self._watched if one not in stands_on]
        for group in (services, stands_on):
            for watched in group:
                watched.child.ask_to_stop()
            for watched in group:
                watched.child.stop()

    def _say(self, stage: str, *, ready: bool = False, fault: str = "") -> None:
        print(f"{stage} {fault}".rstrip(), flush=True)
        self._home.write_state(State(stage, self._setup, ready=ready, fault=fault))


def _services() -> list[tuple[str, list[str]]]:
    """The name and the command of every service process."""
    found = [("scheduler", ["scheduler"])]
    found += [(f"scanner-{number}", ["scanner"]) for number in range(1, SCANNERS + 1)]
    found += [(f"processor-{number}", ["processor"]) for number in range(1, PROCESSORS + 1)]
    found += [(f"grader-{name}", ["grader", "--graders", name]) for name in GRADERS]
    return found


def main() -> None:
    folder, setup = sys.argv[1:]
    if os.fork():
        return
    try:
        Supervisor(Home(Path(folder)), Setup(**json.loads(setup))).run()
    except LocalError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
