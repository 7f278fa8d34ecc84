"""The rule about the grammar."""

from collections.abc import Iterator

from services.grader.core.graders.spf.facts import Evaluation
from services.grader.core.graders.spf.kinds.syntax import BY_CODE
from services.grader.core.remark import Remark


def faults(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 4.6: a syntax error anywhere in the record is a permanent error."""
    for verdict in view.chain:
        for fault in verdict.node.record.faults if verdict.node.record else ():
            yield BY_CODE[fault.code](
                view.txt(verdict),
                name=verdict.name,
                term=fault.term,
                position=fault.position,
                reason=fault.reason,
            )


RULES = (faults,)
