"""SPF: which servers may send mail in a site's name, and whether receivers can tell."""

from services.grader.core.graders.spf.grade import GRADER

__all__ = ["GRADER"]
