"""MX: where mail to a site goes, and whether it arrives."""

from services.grader.core.graders.mx.grade import GRADER

__all__ = ["GRADER"]
