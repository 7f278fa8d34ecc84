"""The topics, by name."""

SCAN_REQUESTS = "scan-requests"
SCAN_RESULTS = "scan-results"
GRADE_REQUESTS = "grade-requests"
RUN_EVENTS = "run-events"

TOPICS = (SCAN_REQUESTS, SCAN_RESULTS, GRADE_REQUESTS, RUN_EVENTS)


DEAD_LETTER_SUFFIX = ".dlq"


def dead_letter(topic: str) -> str:
    return topic + DEAD_LETTER_SUFFIX
