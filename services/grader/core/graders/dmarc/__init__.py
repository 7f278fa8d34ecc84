"""DMARC: what receivers do with mail that pretends to be from a site."""

from services.grader.core.graders.dmarc.grade import GRADER

__all__ = ["GRADER"]
