"""Topics made, mended and refused; where groups and topics stand."""

import json

import pytest
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)
from typer.testing import CliRunner, Result

from services.cli.topics import app
from services.common.messages.envelope import BrokenError
from services.common.messages.topics import GRADE_REQUESTS, SCAN_RESULTS
from services.common.stream import topics
from services.common.stream.broker import Broker
from services.common.stream.offsets import Offsets
from services.common.stream.topics import Layout, TopicsError
from tests.integration.streams import make_topics, produce, until

pytestmark = pytest.mark.services
LOCAL = Layout(partitions=3, replication=1)
NOWHERE = Broker("127.0.0.1:1")


@pytest.fixture
def broker(kafka: str, topic_prefix: str) -> Broker:
    return Broker(kafka, topic_prefix)


def change(broker: Broker, topic: str, setting: str, value: str) -> None:
    entry = ConfigEntry(setting, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, broker.named(topic), incremental_configs=[entry])
    admin = AdminClient(broker.config())
    [changed] = admin.incremental_alter_configs([resource]).values()
    changed.result(20)


def test_applying_twice_changes_nothing_more(broker: Broker) -> None:
    with pytest.raises(TopicsError, match="scan-results does not exist"):
        topics.verify(broker, LOCAL)
    assert len(topics.apply(broker, LOCAL)) == len(topics.specs(LOCAL))
    topics.verify(broker, LOCAL)
    assert topics.apply(broker, LOCAL) == []


def test_what_somebody_changed_is_named_and_mended(broker: Broker) -> None:
    topics.apply(broker, LOCAL)
    change(broker, SCAN_RESULTS, "cleanup.policy", "compact")
    until(lambda: topics.differences(broker, LOCAL))
    [found] = topics.differences(broker, LOCAL)
    assert (found.topic, found.setting) == (broker.named(SCAN_RESULTS), "cleanup.policy")
    assert (found.found, found.wanted) == ("compact", "delete")
    assert topics.apply(broker, LOCAL) == [found]
    topics.verify(broker, LOCAL)


def test_partitions_grow_and_never_shrink(broker: Broker) -> None:
    topics.apply(broker, LOCAL)
    more = Layout(partitions=5, replication=1)
    assert {found.setting for found in topics.apply(broker, more)} == {"partitions"}
    topics.verify(broker, more)
    with pytest.raises(TopicsError, match="partitions is 5, must be 3"):
        topics.apply(broker, LOCAL)


def test_another_replication_is_refused_before_anything_changes(broker: Broker) -> None:
    topics.apply(broker, LOCAL)
    with pytest.raises(TopicsError, match="replication is 1, must be 3"):
        topics.apply(broker, Layout(partitions=9, replication=3))
    topics.verify(broker, LOCAL)


def test_a_broker_that_is_away_is_broken_not_wrong() -> None:
    with pytest.raises(BrokenError, match=r"127\.0\.0\.1:1"):
        topics.verify(NOWHERE, LOCAL)
    with pytest.raises(BrokenError):
        Offsets(NOWHERE).ends(SCAN_RESULTS)


def test_offsets_of_topics_and_groups(broker: Broker) -> None:
    make_topics(broker, GRADE_REQUESTS, partitions=2)
    offsets = Offsets(broker)
    assert offsets.partitions(GRADE_REQUESTS) == [0, 1]
    assert offsets.ends(GRADE_REQUESTS) == {0: 0, 1: 0}
    produce(broker, GRADE_REQUESTS, [b"%d" % number for number in range(10)])
    assert offsets.starts(GRADE_REQUESTS) == {0: 0, 1: 0}
    assert sum(offsets.ends(GRADE_REQUESTS).values()) == 10
    assert offsets.committed("g", GRADE_REQUESTS) == {}
    offsets.commit("g", GRADE_REQUESTS, {1: 3})
    assert offsets.committed("g", GRADE_REQUESTS) == {1: 3}
    with pytest.raises(BrokenError):
        offsets.ends("no-such-topic")


def test_only_a_new_group_is_told_where_to_begin(broker: Broker) -> None:
    make_topics(broker, GRADE_REQUESTS, partitions=2)
    offsets = Offsets(broker)
    offsets.begin("g", GRADE_REQUESTS, {0: 5, 1: 6})
    offsets.begin("g", GRADE_REQUESTS, {0: 1, 1: 1})
    assert offsets.committed("g", GRADE_REQUESTS) == {0: 5, 1: 6}


def command(broker: Broker, *arguments: str) -> Result:
    environment = {
        "DNSTATS_KAFKA": broker.bootstrap,
        "DNSTATS_TOPIC_PREFIX": broker.prefix,
        "DNSTATS_REPLICATION": "1",
        "DNSTATS_PARTITIONS": "3",
        "DNSTATS_DATABASE": "postgresql://nobody@127.0.0.1:1/none_test",
    }
    return CliRunner().invoke(app, arguments, env=environment)


def test_the_commands(broker: Broker) -> None:
    missing = command(broker, "verify")
    assert missing.exit_code == 1
    assert "dnstats topics apply" in missing.stderr
    made = command(broker, "apply")
    assert (made.exit_code, made.stdout.splitlines()[-1]) == (0, "8 topics are as they must be")
    assert command(broker, "verify").exit_code == 0
    found = json.loads(command(broker, "verify", "--partitions", "4", "--json").stdout)
    assert {one["wanted"] for one in found} == {"4"}
    listed = json.loads(command(broker, "list", "--json").stdout)
    assert broker.named(SCAN_RESULTS) in [one["name"] for one in listed]


def test_partitions_are_not_added_where_an_open_run_cannot_be_ruled_out(broker: Broker) -> None:
    command(broker, "apply")
    refused = command(broker, "apply", "--partitions", "4")
    assert refused.exit_code == 1
    assert "database" in refused.stderr
    topics.verify(broker, LOCAL)


@pytest.mark.parametrize("arguments", [("--partitions", "0"), ("--replication", "x")])
def test_bad_options_are_named(broker: Broker, arguments: tuple[str, str]) -> None:
    assert command(broker, "apply", *arguments).exit_code == 2
