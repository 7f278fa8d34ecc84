"""DMARC's tree walk, and what it takes to judge the record that it finds.

Source: RFC 9989 section 4.10, RFC 9990 section 4 (where reports may go).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from services.common.dns.lookup import Observation, Question
from services.common.dns.names import fits, is_subdomain, labels
from services.common.dns.status import Status
from services.common.questions.answers import Answers
from services.common.questions.mx import addresses_of
from services.common.records.dmarc import DmarcRecord, read_dmarc

MAX_WALK = 8
MAX_DESTINATIONS = 10
"""Report destinations that are looked into, in the order written, `rua` before `ruf`."""


@dataclass(frozen=True, slots=True)
class Step:
    """One name of the walk; `seen` says NOT_ASKED while it was not asked. `record` is None where
    there are several, for all of them are discarded then."""

    domain: str
    seen: Observation
    records: tuple[DmarcRecord, ...]
    record: DmarcRecord | None

    @property
    def last(self) -> bool:
        """The walk stops here."""
        return self.record is not None and self.record.psd in ("y", "n")


@dataclass(frozen=True, slots=True)
class Discovery:
    """What the walk from a domain found. A name that was not observed counts as one without a
    record. `policy` is the step whose record applies to the domain itself, `inherited` the one
    whose record applies to names below it that have none."""

    domain: str
    steps: tuple[Step, ...]
    organisational_domain: str
    policy: Step | None
    inherited: Step | None


def wanted(domain: str, known: Answers) -> list[Question]:
    """The walk, and what tells whether reports arrive. The site's MX records tell whether it
    exists and takes mail; its TXT records are there to find a record at the wrong place, and
    whether a site without mail says so by SPF too."""
    found = discover(domain, known)
    questions = [Question(domain, "MX")]
    questions += [step.seen.question for step in found.steps if _is_asked(step.seen, known)]
    questions += _site_texts(found, known)
    if found.policy is not None and found.policy.record is not None:
        for host in destinations(found.policy.record)[:MAX_DESTINATIONS]:
            questions += _destination(host, found, known)
    return list(dict.fromkeys(questions))


def discover(domain: str, known: Answers) -> Discovery:
    """The walk over what is known, its organisational domain, and the record that applies."""
    steps = tuple(_walk(domain, known))
    organisational = _organisational_domain(domain, steps)
    by_domain = {step.domain: step for step in steps if step.record is not None}
    suffix = next((step for step in steps if step.record and step.record.psd == "y"), None)
    inherited = by_domain.get(organisational) or suffix
    policy = by_domain.get(domain) or inherited
    return Discovery(domain, steps, organisational, policy, inherited)


def walk_names(domain: str) -> list[str]:
    """The names of a whole walk (RFC 9989 section 4.10): the domain, its parents down to the
    top-level domain; of a name with more than seven labels below it, only the last seven."""
    parts = labels(domain)
    starts = range(max(1, len(parts) - MAX_WALK + 1), len(parts))
    return [domain, *(".".join(parts[start:]) for start in starts)]


def destinations(record: DmarcRecord) -> list[str]:
    """The hosts to which every reporter can send, each once."""
    return list(dict.fromkeys(uri.host for uri in record.rua + record.ruf if uri.deliverable))


def authorisation(policy_domain: str, host: str) -> Question | None:
    """Where a destination says that it takes reports about a domain (RFC 9990 section 4); None
    where no message can ask it, so that it never can."""
    name = f"{policy_domain}._report._dmarc.{host}"
    return Question(name, "TXT") if fits(name) else None


def is_external(host: str, found: Discovery) -> bool:
    """The destination lies outside the organisational domain."""
    return not is_subdomain(host, found.organisational_domain)


def _walk(domain: str, known: Answers) -> Iterator[Step]:
    for name in walk_names(domain):
        seen = _seen(name, known)
        records = read_dmarc(seen.rdata)
        step = Step(name, seen, records, records[0] if len(records) == 1 else None)
        yield step
        if step.last:
            return


def _seen(name: str, known: Answers) -> Observation:
    """What was observed at one name of the walk."""
    question = Question("_dmarc" if name == "." else f"_dmarc.{name}", "TXT")
    if not fits(question.name):
        return Observation(*question, Status.NXDOMAIN, reason="no message can hold the name")
    return known.get(question) or Observation(*question, Status.NOT_ASKED, reason="not yet")


def _is_asked(seen: Observation, known: Answers) -> bool:
    return seen.status is Status.NOT_ASKED or seen.question in known


def _organisational_domain(domain: str, steps: tuple[Step, ...]) -> str:
    """RFC 9989 section 4.10.2."""
    having = [step for step in steps if step.record is not None]
    for step in having:
        if step.record and step.record.psd == "n":
            return step.domain
        if step.record and step.record.psd == "y" and step.domain != domain:
            return ".".join(labels(domain)[-len(labels(step.domain)) - 1 :])
    return having[-1].domain if having else domain


def _site_texts(found: Discovery, known: Answers) -> list[Question]:
    """The site's own TXT records, where they can matter."""
    mail = known.get(Question(found.domain, "MX"))
    null = mail is not None and mail.rdata == ("0 .",)
    own = found.steps[0]
    astray = own.record is None and own.seen.question in known
    exists = mail is not None and mail.status is not Status.NXDOMAIN
    return [Question(found.domain, "TXT")] if exists and (null or astray) else []


def _destination(host: str, found: Discovery, known: Answers) -> list[Question]:
    """A destination's word that it takes the reports, and whether it takes mail."""
    questions: list[Question] = []
    mail = Question(host, "MX")
    questions.append(mail)
    seen = known.get(mail)
    if seen is not None and seen.status is Status.NODATA:
        questions += addresses_of(host)
    if found.policy is not None and is_external(host, found):
        permission = authorisation(found.policy.domain, host)
        questions += [permission] if permission else []
    return questions
