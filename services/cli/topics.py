"""`dnstats topics`: make the topics, check them, list them."""

import json
import sys
from typing import Annotated

import typer

from services.cli.fail import fail
from services.common.config import Settings, load
from services.common.messages.envelope import BrokenError
from services.common.store import runs
from services.common.store.database import BadAddressError, engine
from services.common.store.faults import translated
from services.common.stream import topics
from services.common.stream.broker import Broker

app = typer.Typer(no_args_is_help=True, help="Make, check and list the topics")

Partitions = Annotated[int | None, typer.Option(help="Of each main topic [DNSTATS_PARTITIONS]")]
Replication = Annotated[int | None, typer.Option(help="Of every topic [DNSTATS_REPLICATION]")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs")]


@app.command()
def apply(partitions: Partitions = None, replication: Replication = None) -> None:
    """Make missing topics, add partitions, set configuration. Nothing is ever deleted."""
    settings = load(Settings, partitions=partitions, replication=replication)
    broker, layout = _of(settings)
    try:
        if any(found.setting == "partitions" for found in topics.differences(broker, layout)):
            _refuse_during_run(settings)
        mended = topics.apply(broker, layout)
    except (topics.TopicsError, BrokenError, BadAddressError) as error:
        fail(str(error))
    for difference in mended:
        print(f"mended: {difference}")
    print(f"{len(topics.specs(layout))} topics are as they must be")


@app.command()
def verify(
    partitions: Partitions = None, replication: Replication = None, as_json: AsJson = False
) -> None:
    """Say what is not as it must be; exits with 1 where anything is."""
    broker, layout = _of(load(Settings, partitions=partitions, replication=replication))
    try:
        found = topics.differences(broker, layout)
    except BrokenError as error:
        fail(str(error))
    if as_json:
        print(json.dumps([_as_dict(difference) for difference in found], indent=2))
    elif not found:
        print(f"{len(topics.specs(layout))} topics are as they must be")
    else:
        print("\n".join([*map(str, found), f"mend it with: {topics.MEND}"]), file=sys.stderr)
    sys.exit(1 if found else 0)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """The topics of this installation as they must be."""
    broker, layout = _of(load(Settings))
    wanted = topics.specs(layout)
    if as_json:
        shown = [
            {
                "name": broker.named(spec.name),
                "partitions": spec.partitions,
                "replication": spec.replication,
                "config": dict(spec.config),
            }
            for spec in wanted
        ]
        print(json.dumps(shown, indent=2))
        return
    for spec in wanted:
        days = int(spec.config["retention.ms"]) // topics.DAY
        print(
            f"{broker.named(spec.name):24} {spec.partitions:3} partitions, "
            f"{spec.replication} copies, kept {days} days"
        )


def _refuse_during_run(settings: Settings) -> None:
    """A run's window and barriers are offsets by partition: those it began with."""
    with translated(), engine(settings.database).connect() as connection:
        run = runs.find_open(connection)
    if run is not None:
        raise topics.TopicsError(f"partitions cannot be added while run {run['id']} is open")


def _of(settings: Settings) -> tuple[Broker, topics.Layout]:
    layout = topics.Layout(settings.partitions, settings.replication)
    return Broker(settings.kafka, settings.topic_prefix), layout


def _as_dict(difference: topics.Difference) -> dict[str, str]:
    return {
        "topic": difference.topic,
        "setting": difference.setting,
        "found": difference.found,
        "wanted": difference.wanted,
    }
