"""How a command ends that could not do what it was asked."""

import sys
from typing import NoReturn

FAILED = 1
BAD_INPUT = 2


def fail(text: str, status: int = FAILED) -> NoReturn:
    """Say it on standard error and exit."""
    print(text, file=sys.stderr)
    sys.exit(status)
