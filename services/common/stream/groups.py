"""Who is a member of a consumer group."""

from collections.abc import Sequence

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from services.common.messages.envelope import BrokenError
from services.common.stream.broker import Broker

_TIMEOUT = 10.0


def members(broker: Broker, groups: Sequence[str]) -> dict[str, int]:
    """How many members each of the groups has; none where there is no such group. Raises
    BrokenError."""
    names = {broker.named(group): group for group in groups}
    if not names:
        return {}
    asked = AdminClient(broker.config()).describe_consumer_groups(
        list(names), request_timeout=_TIMEOUT
    )
    try:
        return {names[name]: len(found.result(_TIMEOUT).members) for name, found in asked.items()}
    except KafkaException as error:
        raise BrokenError(error.args[0].str()) from error
    except TimeoutError as error:
        raise BrokenError("the broker does not answer") from error
