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


MX_NONE = 0
"""Mail cannot be delivered, and nothing says that this is meant."""
MX_NULL = 100
MX_ODD_NULL = 95
MX_IMPLICIT = 60
MX_ALIAS = 5
"""Taken off for each usable exchange that is an alias."""


def mx(usable: int, named: int, aliases: int) -> int:
    """The share of exchanges that mail can reach."""
    share = round(100 * usable / named) if named else MX_NONE
    return max(share - MX_ALIAS * aliases, MX_NONE)


DMARC_NONE = 0
"""No record, or one that receivers do not act on."""
DMARC_DOMAIN = {"none": 10, "quarantine": 55, "reject": 70}
"""What receivers do with mail that pretends to be from the domain itself."""
DMARC_BELOW = {"none": 0, "quarantine": 10, "reject": 15}
"""The same for names below it: the weaker of existing and non-existent ones."""
DMARC_REPORTS = 15
"""Aggregate reports arrive, or there is provably no mail to report on."""


def dmarc(domain: str, below: str, reported: bool) -> int:
    """Policies are effective ones: after fall-backs, and lowered by `t=y`."""
    return DMARC_DOMAIN[domain] + DMARC_BELOW[below] + (DMARC_REPORTS if reported else 0)
