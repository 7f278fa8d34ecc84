"""Runs every benchmark of this package: `python -m tests.benchmarks [name …]`.

Each module has a `main()` that prints its figures beside a baseline measured in the same run.
"""

import os
import pkgutil
import platform
import sys
from importlib import import_module
from importlib.metadata import version

from tests import benchmarks

LIBRARIES = ("dnspython", "uvloop", "fastavro", "confluent-kafka", "psycopg2-binary")


def main() -> None:
    chosen = sys.argv[1:] or [
        module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name[0] != "_"
    ]
    print(f"{_processor()}, {os.cpu_count()} CPUs, {platform.platform()}")
    print(f"Python {platform.python_version()}, " + ", ".join(map(_versioned, LIBRARIES)))
    for name in chosen:
        print(f"\n{name}")
        import_module(f"tests.benchmarks.{name}").main()


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as lines:
            return next(line.split(": ")[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration, IndexError):
        return platform.processor() or "unknown processor"


def _versioned(library: str) -> str:
    return f"{library} {version(library)}"


if __name__ == "__main__":
    main()
