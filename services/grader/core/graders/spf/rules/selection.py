"""Rules about finding the one record that counts."""

from collections.abc import Iterator

from services.common.dns.status import Status
from services.common.records.spf import VERSION
from services.common.records.spf_near import is_sender_id, near_miss
from services.grader.core.graders.spf.facts import Evaluation, State
from services.grader.core.graders.spf.kinds import selection as kinds
from services.grader.core.remark import Remark

ADVISED_SIZE = 450
SMALL_PACKET = 512


def no_record(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 4.5: without a record the result is "none"."""
    if view.root.state is State.NONE:
        yield kinds.NO_SPF_FOUND(view.txt(view.root), name=view.section.domain)


def several_records(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 4.5: more than one record is a permanent error."""
    if view.root.state is State.MULTIPLE:
        count = len(view.root.node.texts)
        yield kinds.MULTIPLE_SPF_RECORDS(view.txt(view.root), name=view.section.domain, count=count)


def near_misses(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 4.5: what does not begin with the exact version section is discarded."""
    seen = view.txt(view.root)
    for text in seen.rdata:
        if reason := near_miss(text):
            yield kinds.INVALID_RECORD_START(seen, name=seen.name, reason=reason, text=text)


def sender_id(view: Evaluation) -> Iterator[Remark]:
    """RFC 4406: Sender ID records serve nothing any more."""
    seen = view.txt(view.root)
    for text in filter(is_sender_id, seen.rdata):
        yield kinds.SENDER_ID(seen, name=seen.name, text=text)


def version_case(view: Evaluation) -> Iterator[Remark]:
    """RFC 5234 section 2.3: literal text of a grammar matches in any case."""
    for verdict in view.chain:
        for text in verdict.node.texts:
            version = text[: len(VERSION)]
            if version != VERSION:
                seen = view.txt(verdict)
                yield kinds.VERSION_CASE(seen, name=seen.name, version=version)


def record_size(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 3.4: the answer should fit 512 bytes, so a record 450."""
    for verdict in view.chain:
        for text in verdict.node.texts:
            if len(text) > ADVISED_SIZE:
                kind = kinds.TOO_LONG_RECORD if len(text) > SMALL_PACKET else kinds.LONG_RECORD
                seen = view.txt(verdict)
                yield kind(seen, name=seen.name, size=len(text))


def not_validated(view: Evaluation) -> Iterator[Remark]:
    """RFC 4035 section 5.5: what fails validation reaches no validating receiver."""
    for seen in view.followed:
        if seen.status is Status.BOGUS:
            yield kinds.BOGUS(seen, rdtype=seen.rdtype, name=seen.name)


def not_observed(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 4.4: an answer that did not come says nothing about the record."""
    for seen in view.unseen:
        status = f"{seen.status} ({seen.reason})" if seen.reason else seen.status.value
        yield kinds.NOT_OBSERVED(seen, rdtype=seen.rdtype, name=seen.name, status=status)


RULES = (
    no_record,
    several_records,
    near_misses,
    sender_id,
    version_case,
    record_size,
    not_validated,
    not_observed,
)
