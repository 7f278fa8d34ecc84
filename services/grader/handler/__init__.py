"""Grade requests in, grades out: of the run that goes on, and of past runs again."""

from services.grader.handler.grade import GradeHandler
from services.grader.handler.judge import Judgement
from services.grader.handler.regrade import Failed, RegradeHandler

__all__ = ["Failed", "GradeHandler", "Judgement", "RegradeHandler"]
