"""The rules of the SPF grader, each yielding remarks about one condition."""

from services.grader.core.graders.spf.rules import following, policy, selection, syntax

RULES = selection.RULES + syntax.RULES + following.RULES + policy.RULES
