"""All graders by name: what services, commands and generated files go by."""

from services.grader.core.graders import dmarc, mx, spf
from services.grader.core.verdict import Grader

_ALL: tuple[Grader, ...] = (spf.GRADER, dmarc.GRADER, mx.GRADER)

GRADERS = {grader.name: grader for grader in _ALL}
