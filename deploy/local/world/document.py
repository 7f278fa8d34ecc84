"""The table of situations in docs/worlds.md: `python -m deploy.local.world.document` renews it."""

from pathlib import Path

from deploy.local.world.bundled import Situation, situations

PAGE = Path(__file__).parents[3] / "docs" / "worlds.md"
BEGIN = "<!-- begin: situations, written by python -m deploy.local.world.document -->"
END = "<!-- end: situations -->"


def table() -> str:
    """A Markdown table per file of situations, in the order written."""
    found = situations()
    parts = []
    for family in dict.fromkeys(situation.family for situation in found):
        rows = [_row(situation) for situation in found if situation.family == family]
        parts.append(f"### {family}\n\n| domain | sites | meaning | remarks |\n|---|---|---|---|\n")
        parts += [*rows, "\n"]
    return "".join(parts)


def renewed(page: str) -> str:
    """The page with the table as it must be. Raises ValueError where the markers are missing."""
    head, _, rest = page.partition(BEGIN)
    _, found, tail = rest.partition(END)
    if not found:
        raise ValueError(f"{PAGE.name} has no place for the situations")
    return f"{head}{BEGIN}\n\n{table()}{END}{tail}"


def _row(situation: Situation) -> str:
    domain = next(situation.sites())[0]
    remarks = ", ".join(f"`{tag}`" for tag in situation.remarks)
    meaning = situation.meaning.replace("|", "\\|")
    return f"| `{domain}` | {situation.share or '–'} | {meaning} | {remarks} |\n"


def main() -> None:
    PAGE.write_text(renewed(PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
