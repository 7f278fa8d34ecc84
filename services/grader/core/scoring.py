"""Points and letters: the only place with numbers."""

LETTERS = (
    (100, "A+"),
    (93, "A"),
    (90, "A-"),
    (87, "B+"),
    (83, "B"),
    (80, "B-"),
    (77, "C+"),
    (73, "C"),
    (70, "C-"),
    (67, "D+"),
    (63, "D"),
    (60, "D-"),
)


def letter(points: int) -> str:
    """The letter of 0 to 100 points."""
    return next((name for least, name in LETTERS if points >= least), "F")
