"""What a grade could be, had everything been observed that was not."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from services.common.dns.lookup import Observation
from services.common.dns.status import Status
from services.common.questions.dmarc import Step
from services.grader.core.graders.dmarc.facts import Case, read, unobserved
from services.grader.core.verdict import Section

_RECORDS = (
    "v=DMARC1; p=reject; psd={psd}; rua=mailto:dmarc@reports.invalid",
    "v=DMARC1; psd={psd}",
)
"""What an unobserved name of the walk could hold at its best, and at its worst, not applied. The
best comes first: after the case of no record at all it often settles the range."""


def possible(case: Case) -> Iterator[Case]:
    """The extreme cases that the unobserved leaves open; none where all is observed."""
    walk = [step for step in case.found.steps if not step.seen.determined]
    if not walk and not unobserved(case.destinations.values()) and len(_sites(case)) == 1:
        return
    section = case.section.assuming(*(_holding(step.seen, None) for step in walk))
    yield from _completed(read(section, case.reference))
    for steps in _together(walk):
        for text, psd in product(_RECORDS, "uny"):
            seen = (_step_holding(step, case, text, psd) for step in steps)
            yield from _completed(read(section.assuming(*seen), case.reference))


def _together(walk: list[Step]) -> list[list[Step]]:
    """Each unobserved name alone, with nothing at the others, and all of them alike."""
    return [[step] for step in walk] + ([walk] if len(walk) > 1 else [])


def _step_holding(step: Step, case: Case, text: str, psd: str) -> Observation:
    """A registry that publishes a record declares it by psd=y, or else it would claim every domain
    below for its own organisation."""
    registry = case.reference.public_suffix(step.domain) == step.domain
    return _holding(step.seen, text.format(psd="y" if registry else psd))


def _completed(case: Case) -> Iterator[Case]:
    """The case with its site and its report destinations at their worst and at their best."""
    for section, hopeful in product(_sites(case), (False, True)):
        yield _filled(read(section, case.reference), hopeful)


def _filled(case: Case, hopeful: bool) -> Case:
    """Assumes until nothing is open: what is assumed can bring up further questions."""
    section = case.section
    while missing := unobserved(case.destinations.values()):
        section = section.assuming(*(_settled(seen, hopeful) for seen in missing))
        case = read(section, case.reference)
    return case


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
