"""Everything that the SPF grader can say. Numbers 0 to 27 are the original's."""

from services.grader.core.graders.spf.kinds import following, policy, selection, syntax

KINDS = tuple(
    sorted(
        selection.KINDS + syntax.KINDS + following.KINDS + policy.KINDS,
        key=lambda kind: kind.number,
    )
)
