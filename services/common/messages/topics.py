"""The topics, by name."""

SCAN_REQUESTS = "scan-requests"
SCAN_RESULTS = "scan-results"
GRADE_REQUESTS = "grade-requests"
RUN_EVENTS = "run-events"

TOPICS = (SCAN_REQUESTS, SCAN_RESULTS, GRADE_REQUESTS, RUN_EVENTS)


def dead_letter(topic: str) -> str:
    return f"{topic}.dlq"
