"""Two runs over two dates of a small history, the second by newer graders: every change has its
reason."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from services.common.store.tables import regrades
from tests.integration.history import State, states_at, two_runs
from tests.integration.pipeline import Machine, differences, rows_of

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

FIRST, SECOND = "2026-01-01", "2026-02-01"
EACH = 5
HOST = "v=spf1 ip4:192.0.2.1"
SPF = {
    "steady": (f"{HOST} -all", f"{HOST} -all"),
    "ruled": (f"{HOST} ptr -all", f"{HOST} ptr -all"),
    "moved": (f"{HOST} -all", f"{HOST} ~all"),
    "both": (f"{HOST} ptr -all", f"{HOST} ptr ~all"),
    "even": (f"{HOST} ip4:10.0.0.0/8 ip4:192.0.0.0/2 ptr -all", f"{HOST} ip4:10.0.0.0/8 ptr -all"),
    "silent": (f"{HOST} -all", None),
}
"""What sites publish on the two dates; the newer grader takes a point more for each fault."""
KINDS = {
    "steady": "unchanged",
    "ruled": "rule",
    "moved": "world",
    "both": "both",
    "even": "cancelled",
    "silent": "world",
}


def state(domain: str, date: str, spf: str | None, dmarc: str | None) -> State:
    """Of what is not there, SPF timed out and DMARC was looked for in vain."""
    return {
        "domain": domain,
        "date": date,
        "ns": [f"ns.{domain}"],
        "mx": [[10, f"mail.{domain}"]],
        "spf": spf,
        "spf_error": None if spf else "The DNS operation timed out",
        "dmarc": dmarc,
        "dmarc_error": None if dmarc else "A DMARC record does not exist",
        "dmarc_location": domain if dmarc else None,
    }


def history() -> Iterator[State]:
    """A line only where something changed."""
    for name, (before, after) in SPF.items():
        for number in range(EACH):
            domain = f"{name}{number}.test"
            policy = f"v=DMARC1; p=reject; rua=mailto:d@{domain}" if number else None
            yield state(domain, FIRST, before, policy)
            if before != after:
                yield state(domain, SECOND, after, policy)
    yield state("left.test", FIRST, SPF["steady"][0], None)
    yield state("entered.test", SECOND, SPF["steady"][0], None)


@pytest.fixture
def runs(
    tmp_path: Path, kafka: str, database: str, topic_prefix: str
) -> Iterator[tuple[Machine, int, int]]:
    given = {"KAFKA": kafka, "DATABASE": database, "TOPIC_PREFIX": topic_prefix}
    first = states_at(history(), FIRST)
    second = [one for one in states_at(history(), SECOND) if one["domain"] != "left.test"]
    with two_runs(tmp_path, first, second, given=given) as made:
        yield made


def test_every_change_is_attributed_and_the_sums_close(runs: tuple[Machine, int, int]) -> None:
    machine, old, new = runs
    with machine.connect() as connection:
        before = rows_of(connection, old)
        shown = machine.dnstats("diff", str(old), str(new))
        said = json.loads(machine.dnstats("diff", str(old), str(new), "--json"))
        after = rows_of(connection, old)
        shadows = connection.execute(select(regrades.c.shadow, regrades.c.versions)).all()
    assert differences(before, after) == []
    assert [shadow for shadow, _ in shadows] == [True], "the second command used the first's"
    assert max(map(len, shown.splitlines())) <= 80

    assert (said["left"], said["entered"]) == (["left.test"], ["entered.test"])
    assert_spf(said)
    assert_dmarc(said["graders"]["dmarc"])
    for grader, found in said["graders"].items():
        points, kinds = found["points"], found["kinds"]
        assert points["closes"], grader
        assert points["new"] - points["old"] == points["rule"] + points["world"]
        assert sum(kinds.values()) == found["sites"] == len(SPF) * EACH
        assert kinds["unexplained"] == kinds["unjudged"] == 0
    assert len(said["changes"]) == sum(
        number
        for found in said["graders"].values()
        for kind, number in found["kinds"].items()
        if kind != "unchanged"
    )


def assert_spf(said: dict[str, Any]) -> None:
    kinds = {one["domain"]: one["kind"] for one in said["changes"] if one["grader"] == "spf"}
    sites = [(name, f"{name}{number}.test") for name in SPF for number in range(EACH)]
    assert {kinds.get(domain, "unchanged") == KINDS[name] for name, domain in sites} == {True}
    found = said["graders"]["spf"]
    assert found["causes"] == {
        "rule": {"grader": 3 * EACH},
        "world": {"evidence": 4 * EACH},
    }
    assert found["points"]["sites"] == 5 * EACH, "silent sites have no points in the end"
    assert found["points"]["rule"] == -(1 + 1 + 3) * EACH
    assert found["points"]["world"] == (-25 - 25 + 3) * EACH
    [step] = found["transitions"]
    assert (step["part"], step["before"], step["after"], step["sites"]) == (
        "world",
        "points",
        "withheld",
        EACH,
    )
    remarks = {(row["part"], row["tag"]): (row["gained"], row["lost"]) for row in found["remarks"]}
    assert remarks["world", "SPF_SOFTFAIL_ALL"] == (2 * EACH, 0)
    assert remarks["world", "SPF_TOO_WIDE"] == (0, EACH)


def assert_dmarc(found: dict[str, Any]) -> None:
    """What did not change in the world changed by rule alone."""
    reported = len(SPF) * (EACH - 1)
    assert found["kinds"]["rule"] == reported
    assert found["causes"] == {"rule": {"grader": reported}, "world": {}}
    assert (found["points"]["rule"], found["points"]["world"]) == (-3 * reported, 0)
