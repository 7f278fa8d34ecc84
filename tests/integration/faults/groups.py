"""The consumer groups of a machine."""

from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient

from deploy.local.setup import GRADERS, LOCAL_SETTINGS
from services.common.stream.broker import Broker

TIMEOUT = 10.0
MEMBERS = {"scanner": 2, "processor": 2} | {f"grader-{name}": 1 for name in GRADERS}


def incomplete(broker: Broker) -> list[str]:
    """What is missing of the groups, in words: each must have all its members at work and all
    partitions with them."""
    client = AdminClient(broker.config())  # lives until the answers are there
    asked = client.describe_consumer_groups(list(MEMBERS), request_timeout=TIMEOUT)
    found = []
    for name, members in MEMBERS.items():
        try:
            group = asked[name].result(TIMEOUT)
        except KafkaException as error:  # the broker has just started
            found.append(f"{name}: {error}")
            continue
        shares = [len(member.assignment.topic_partitions) for member in group.members]
        good = group.state is ConsumerGroupState.STABLE and len(shares) == members
        if not (good and all(shares) and sum(shares) == int(LOCAL_SETTINGS["PARTITIONS"])):
            found.append(f"{name} is {group.state.name} with partitions {shares}")
    return found
