"""Topics as they must be; the broker's side is tested on a real one."""

from services.common.messages.topics import GRADE_REQUESTS, TOPICS, dead_letter
from services.common.stream.broker import Broker
from services.common.stream.topics import Difference, Layout, specs


def test_every_topic_has_a_dead_letter_topic_with_room_for_its_headers() -> None:
    wanted = {spec.name: spec for spec in specs(Layout())}
    assert set(wanted) == {*TOPICS, *map(dead_letter, TOPICS)}
    for topic in TOPICS:
        letters = wanted[dead_letter(topic)].config
        assert int(letters["max.message.bytes"]) > int(wanted[topic].config["max.message.bytes"])


def test_nothing_is_left_to_the_defaults_of_a_broker() -> None:
    for spec in specs(Layout()):
        assert spec.config["cleanup.policy"] == "delete"
        assert int(spec.config["retention.ms"]) >= 7 * 24 * 3600 * 1000
        assert spec.config["retention.bytes"] == "-1"
        assert (spec.replication, spec.config["min.insync.replicas"]) == (3, "2")


def test_one_local_broker_keeps_one_copy() -> None:
    [spec] = [s for s in specs(Layout(6, replication=1)) if s.name == GRADE_REQUESTS]
    assert (spec.partitions, spec.replication) == (6, 1)
    assert spec.config["min.insync.replicas"] == "1"


def test_a_difference_says_what_is_and_what_must_be() -> None:
    assert str(Difference("a", "topic", "missing", "there")) == "topic a does not exist"
    assert str(Difference("a", "partitions", "3", "24")) == "topic a: partitions is 3, must be 24"


def test_the_prefix_is_put_on_and_taken_off() -> None:
    broker = Broker("nowhere", "test-")
    assert broker.named("scan-results") == "test-scan-results"
    assert broker.plain("test-scan-results") == "scan-results"
    assert Broker("nowhere").named("scan-results") == "scan-results"
