"""All graders by name: what services, commands and generated files go by."""

from services.grader.core.graders import mx, spf
from services.grader.core.verdict import Grader

_ALL: tuple[Grader, ...] = (spf.GRADER, mx.GRADER)

GRADERS = {grader.name: grader for grader in _ALL}
