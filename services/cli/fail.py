"""How a command ends that could not do what it was asked."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

FAILED = 1
BAD_INPUT = 2


def fail(text: str, status: int = FAILED) -> NoReturn:
    """Say it on standard error and exit."""
    print(text, file=sys.stderr)
    sys.exit(status)


@contextmanager
def failing(*kinds: type[Exception], status: int = FAILED) -> Iterator[None]:
    """End the command with the text of the error where one of these is raised inside."""
    try:
        yield
    except kinds as error:
        fail(str(error), status)
