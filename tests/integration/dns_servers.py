"""Real DNS servers on loopback: NSD with zones of a test's own, Unbound in front of it.

They run as ordinary processes on free ports, with nothing but loopback to talk to.
"""

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dns.exception
import dns.message
import dns.query

from deploy.local.process import LocalError
from services.scanner.adapters.endpoints import Endpoint
from tests.backends import unavailable
from tests.ports import free_port

START_SECONDS = 10.0

NSD_CONFIG = """
server:
  ip-address: {endpoint.host}@{endpoint.port}
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  zonelistfile: "{folder}/zone.list"
  xfrdfile: "{folder}/xfrd.state"
  database: ""
  pidfile: ""
  server-count: 1
  rrl-ratelimit: 0
remote-control:
  control-enable: no
"""
NSD_ZONE = 'zone:\n  name: "{zone}"\n  zonefile: "{path}"\n'

UNBOUND_CONFIG = """
server:
  interface: {endpoint.host}
  port: {endpoint.port}
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  outgoing-interface: 127.0.0.1
  local-zone: "test." nodefault
  module-config: "validator iterator"
  trust-anchor-signaling: no
  root-key-sentinel: no
  ede: yes
{more}
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: {upstream.host}@{upstream.port}
"""


@contextmanager
def nsd(folder: Path, zones: Mapping[str, str]) -> Iterator[Endpoint]:
    """NSD with these zones: the name of each, and its text."""
    endpoint = Endpoint("127.0.0.1", free_port())
    config = NSD_CONFIG.format(endpoint=endpoint, folder=folder)
    for number, (zone, text) in enumerate(zones.items()):
        path = folder / f"{number}.zone"
        path.write_text(text, "utf-8")
        config += NSD_ZONE.format(zone=zone, path=path)
    (folder / "nsd.conf").write_text(config, "utf-8")
    arguments = ["-d", "-c", str(folder / "nsd.conf")]
    with _running(folder, "nsd", arguments, endpoint, next(iter(zones))):
        yield endpoint


@contextmanager
def unbound(folder: Path, upstream: Endpoint, more: str = "") -> Iterator[Endpoint]:
    """Unbound that forwards every question; `more` are lines of its server clause."""
    endpoint = Endpoint("127.0.0.1", free_port())
    config = UNBOUND_CONFIG.format(endpoint=endpoint, folder=folder, upstream=upstream, more=more)
    (folder / "unbound.conf").write_text(config, "utf-8")
    with _running(folder, "unbound", ["-d", "-c", str(folder / "unbound.conf")], endpoint, "."):
        yield endpoint


@contextmanager
def _running(
    folder: Path, name: str, arguments: list[str], endpoint: Endpoint, zone: str
) -> Iterator[None]:
    program = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if program is None:
        unavailable(name, LocalError("not installed"))
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen([program, *arguments], stdout=output, stderr=output)
    try:
        _wait(process, endpoint, zone, log)
        yield
    finally:
        process.terminate()
        process.wait(10)


def _wait(process: subprocess.Popen[bytes], endpoint: Endpoint, zone: str, log: Path) -> None:
    """Until the server answers anything at all."""
    deadline = time.monotonic() + START_SECONDS
    query = dns.message.make_query(zone, "SOA")
    while time.monotonic() < deadline and process.poll() is None:
        try:
            dns.query.udp(query, endpoint.host, port=endpoint.port, timeout=0.3)
        except (OSError, dns.exception.Timeout):
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{log.stem} does not answer:\n{log.read_text(errors='replace')}")
