"""What a grade could be, had everything been observed that was not."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from services.common.dns.lookup import Observation
from services.common.dns.status import Status
from services.grader.core.graders.dmarc.facts import Case, read
from services.grader.core.verdict import Section

_ELSEWHERE = "rua=mailto:dmarc@reports.invalid"
_RECORDS = (
    None,
    "v=DMARC1; p=none",
    "v=DMARC1; p=none; psd=n",
    "v=DMARC1; p=none; psd=y",
    f"v=DMARC1; p=reject; {_ELSEWHERE}",
    f"v=DMARC1; p=reject; psd=n; {_ELSEWHERE}",
)
"""What an unobserved name of the walk could hold: every outcome, at its worst and at its best."""


def possible(case: Case) -> Iterator[Case]:
    """The extreme cases that the unobserved leaves open; none where all is observed."""
    walk = [step.seen for step in case.found.steps if not step.seen.determined]
    if not walk and not _elsewhere(case) and len(_sites(case)) == 1:
        return
    for text in _RECORDS if walk else _RECORDS[:1]:
        section = case.section.assuming(*(_holding(seen, text) for seen in walk))
        yield from _completed(read(section, case.reference))


def _completed(case: Case) -> Iterator[Case]:
    """The case with its site and its report destinations at their worst and at their best."""
    for section, hopeful in product(_sites(case), (False, True)):
        yield _filled(read(section, case.reference), hopeful)


def _filled(case: Case, hopeful: bool) -> Case:
    """Assumes until nothing is open: what is assumed can bring up further questions."""
    section = case.section
    while unobserved := _elsewhere(case):
        section = section.assuming(*(_settled(seen, hopeful) for seen in unobserved))
        case = read(section, case.reference)
    return case


def _elsewhere(case: Case) -> list[Observation]:
    return [seen for there in case.destinations.values() for seen in there.unobserved]


def _sites(case: Case) -> list[Section]:
    """The site without mail and with it, existing and not, as far as that is not observed."""
    mail, texts = case.mail, case.section.get(case.domain, "TXT")
    sections = [case.section]
    if not mail.determined:
        sections = [
            case.section.assuming(_holding(mail, None, Status.NXDOMAIN)),
            case.section.assuming(_holding(mail, f"10 mx.{case.domain}")),
            case.section.assuming(_holding(mail, "0 .")),
        ]
    if texts.determined or (mail.determined and mail.rdata != ("0 .",)):
        return sections
    return [
        section.assuming(_holding(texts, text))
        for section in sections
        for text in (None, "v=spf1 -all")
    ]


def _holding(seen: Observation, text: str | None, absent: Status = Status.NODATA) -> Observation:
    status = absent if text is None else Status.ANSWERED
    return replace(seen, status=status, rdata=() if text is None else (text,), aliases=())


def _settled(seen: Observation, hopeful: bool) -> Observation:
    best = {"TXT": "v=DMARC1", "MX": "10 mx.invalid", "A": "192.0.2.1", "AAAA": "2001:db8::1"}
    return _holding(seen, best[seen.rdtype] if hopeful else None, Status.NXDOMAIN)
