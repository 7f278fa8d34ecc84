from typing import Any

from services.cli.reprocess_report import text

SAID: dict[str, Any] = {
    "run": 7,
    "generation": 2,
    "source": "scan-results",
    "processor_version": 3,
    "reference_version": 20261,
    "reference_name": "public",
    "window": 1000,
    "site_runs": 998,
    "derived_so": 998,
    "failed": 0,
    "failures": [],
    "graders_missing": [],
}
FAILURE = {
    "stage": "processor",
    "partition": 1,
    "offset": 42,
    "domain": "a.test",
    "reason": "cut off or damaged",
}


def test_it_says_what_was_derived_by_what() -> None:
    assert text(SAID).splitlines() == [
        "Run 7 is derived anew from scan-results: generation 2",
        "  SiteRuns  998, 998 of them by processor 3, reference data public 20261",
        "  failed    0",
    ]


def test_it_says_what_stays_what_failed_and_who_is_missing() -> None:
    said = SAID | {
        "derived_so": 900,
        "failed": 12,
        "failures": [FAILURE],
        "graders_missing": ["grader-mx"],
    }
    assert text(said).splitlines()[1:] == [
        "  SiteRuns  998, 900 of them by processor 3, reference data public 20261",
        "            98 stay as another release derived them",
        "  failed    12",
        "    a.test (partition 1, offset 42): cut off or damaged",
        "    … and 11 more",
        "  nobody works as grader-mx: its grades follow when somebody does",
    ]
