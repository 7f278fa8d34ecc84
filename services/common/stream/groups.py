"""Who is a member of a consumer group."""

import time
from collections.abc import Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from services.common.messages.envelope import BrokenError
from services.common.stream.broker import Broker

_TIMEOUT = 10.0
_PAUSE = 0.2
_LOADING = frozenset(
    {
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.NOT_COORDINATOR,
    }
)
"""A broker that has just started looks for its groups first."""


def members(broker: Broker, groups: Sequence[str]) -> dict[str, int]:
    """How many members each of the groups has; none where there is no such group. Raises
    BrokenError."""
    names = {broker.named(group): group for group in groups}
    admin = AdminClient(broker.config())
    until = time.monotonic() + _TIMEOUT
    while True:
        try:
            found = _described(admin, list(names))
        except KafkaException as error:
            if error.args[0].code() not in _LOADING or time.monotonic() > until:
                raise BrokenError(error.args[0].str() or error.args[0].name()) from error
        else:
            return {names[name]: len(group.members) for name, group in found.items()}
        time.sleep(_PAUSE)


def _described(admin: AdminClient, names: list[str]) -> dict[str, Any]:
    if not names:
        return {}
    asked = admin.describe_consumer_groups(names, request_timeout=_TIMEOUT)
    try:
        return {name: future.result(_TIMEOUT) for name, future in asked.items()}
    except TimeoutError as error:
        raise BrokenError("the broker does not answer") from error
