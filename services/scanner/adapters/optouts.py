"""The opt-out file."""

from pathlib import Path

from services.scanner.core.optout import NONE, BadOptOutError, OptOuts, parse


def load(path: Path | None) -> OptOuts:
    """Raises BadOptOutError naming file and line, or why the file cannot be read."""
    if path is None:
        return NONE
    try:
        with path.open(encoding="utf-8") as lines:
            return parse(lines)
    except (OSError, UnicodeDecodeError) as error:
        raise BadOptOutError(f"{path}: {error}") from error
    except BadOptOutError as error:
        raise BadOptOutError(f"{path}: {error}") from error
