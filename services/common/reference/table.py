"""Reading the tables that ship beside this code."""

import csv
from collections.abc import Iterator
from importlib.resources import files


def rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of a shipped CSV file, by the names in its first line."""
    with (files(__package__) / name).open("r", encoding="utf-8") as lines:
        yield from csv.DictReader(lines)
