"""What is known about a site so far."""

from collections.abc import Mapping

from services.common.dns.lookup import Observation, Question

Answers = Mapping[Question, Observation]
"""The observation of every question that was asked, or recorded as not asked."""
