"""Points and letters: the only place with numbers."""

from collections.abc import Iterable

from services.grader.core.remark import Level, Remark

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


COSTLY = frozenset({Level.ERROR, Level.WARNING, Level.DEPRECATION})
"""Levels that cost points."""

SPF_NONE = {True: 0, False: 20}
"""What no SPF record is worth, by whether the site takes mail."""
SPF_ENDING = {"-": 100, "~": 75, "?": 50, "+": 0, "": 20}
"""By the qualifier for servers that the record does not list; "" where it says nothing of them."""
SPF_REMARK = 2
SPF_IN_ENDING = frozenset(
    {
        "SPF_DEFAULT_ALL_QUALIFIER",
        "SPF_PASS_ALL",
        "SPF_NEUTRAL_ALL",
        "SPF_INCLUDE_PASSES_ALL",
        "SPF_EXISTS_PASSES_ALL",
        "SPF_EVERY_ADDRESS",
    }
)
"""Remarks that `SPF_ENDING` has charged for already."""


def spf(ending: str | None, remarks: Iterable[Remark], *, takes_mail: bool) -> int:
    """Points of an SPF record with this ending; None stands for no record.

    A record with a fatal remark makes receivers give up: it is worth what none is worth, whatever
    it says.
    """
    none = SPF_NONE[takes_mail]
    if ending is None:
        return none
    told = [remark.kind for remark in remarks]
    if any(kind.level is Level.FATAL for kind in told):
        return none
    costs = sum(kind.level in COSTLY and kind.tag not in SPF_IN_ENDING for kind in told)
    return max(0, SPF_ENDING[ending] - SPF_REMARK * costs)
