"""`dnstats dlq`: messages that could not be processed, looked at, sent again or dropped.

A letter that was sent again lets its run wait for it: a closed run is reopened, with a new
deadline, and closes again by itself. Every command may be repeated.
"""

import json
from datetime import timedelta
from typing import Annotated, Any

import typer

from services.cli import dlq_report
from services.cli.access import Access, access, now
from services.cli.fail import BAD_INPUT, fail, failing
from services.common.messages.dead_letter import DeadLetter
from services.common.messages.topics import DEAD_LETTER_SUFFIX, TOPICS
from services.common.stream.producer import Producer
from services.scheduler.adapters.letters import StoredLetters
from services.scheduler.core.run import Run
from services.scheduler.handler.requeue import RefusedError, Requeuer

app = typer.Typer(no_args_is_help=True, help="List, show, requeue and drop dead letters")

Topic = Annotated[str | None, typer.Argument(metavar="[TOPIC]", help="Only of this topic")]
OfTopic = Annotated[str | None, typer.Option("--topic", help="All letters of this topic")]
OfRun = Annotated[int | None, typer.Option("--run", help="All letters of this run")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="As list says them")]
Every = Annotated[bool, typer.Option("--all", help="All letters that nobody dealt with")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs")]


@app.command("list")
def list_(
    topic: Topic = None,
    run: OfRun = None,
    every: Annotated[bool, typer.Option("--all", help="Those dealt with too")] = False,
    limit: Annotated[int, typer.Option(min=1, help="So many, oldest first")] = 50,
    as_json: AsJson = False,
) -> None:
    """Dead letters that nobody dealt with yet."""
    topics = _topics(topic)
    with access() as at:
        letters = _letters(at)
        handled = letters.handled()
        found = [
            dlq_report.summary(letter, handled.get(letter.id))
            for letter in letters.read(topics)
            if _wanted(letter, run) and (every or letter.id not in handled)
        ]
    if as_json:
        _print_json(found[:limit])
        return
    for said in found[:limit]:
        print(dlq_report.line(said))
    more = len(found) - limit
    print(f"and {more:,} more" if more > 0 else f"{len(found):,} dead letters")


@app.command()
def show(name: Annotated[str, typer.Argument(metavar="ID")], as_json: AsJson = False) -> None:
    """Reason, origin, headers and content of a dead letter."""
    with access() as at:
        letters = _letters(at)
        letter = _find(letters, name)
        said = dlq_report.details(letter, letters.handled().get(letter.id))
    if as_json:
        _print_json(said)
    else:
        print(dlq_report.text(said))


@app.command()
def requeue(
    ids: Ids = None,
    topic: OfTopic = None,
    run: OfRun = None,
    every: Every = False,
    yes: Yes = False,
) -> None:
    """Send dead letters to their topics again and let their run wait for them."""
    with access() as at, failing(RefusedError):
        letters = _letters(at)
        chosen = _chosen(letters, ids or [], topic, run, every, again=("requeued",))
        producer = Producer(at.broker)
        hours = timedelta(hours=at.settings.deadline_hours)
        requeuer = Requeuer(at.runs, at.topics, producer, letters, now, hours)
        waiting = requeuer.run_of(chosen)
        _confirm(yes, f"requeue {len(chosen)} letters{_into(waiting)}")
        reopened = requeuer.requeue(chosen)
    print(f"{len(chosen)} letters are requeued")
    if reopened is not None:
        until = f"{reopened.span[1]:%Y-%m-%d %H:%M:%S} UTC"
        print(f"run {reopened.id} is {reopened.state} and ends by {until} at the latest")


@app.command()
def drop(
    ids: Ids = None,
    topic: OfTopic = None,
    run: OfRun = None,
    every: Every = False,
    yes: Yes = False,
) -> None:
    """Note that nothing will be done about dead letters; they stay in their topic."""
    with access() as at:
        letters = _letters(at)
        chosen = _chosen(letters, ids or [], topic, run, every, again=("requeued", "dropped"))
        _confirm(yes, f"drop {len(chosen)} letters")
        letters.note(chosen, "dropped", now())
    print(f"{len(chosen)} letters are dropped")


def _chosen(
    letters: StoredLetters,
    ids: list[str],
    topic: str | None,
    run: int | None,
    every: bool,
    again: tuple[str, ...],
) -> list[DeadLetter]:
    """Those named, but not what was done with already; else those to which the options apply and
    that nobody dealt with. Never none."""
    if bool(ids) == bool(topic or run is not None or every):
        fail("name letters by their ids, or choose them by --topic, --run or --all", BAD_INPUT)
    handled = letters.handled()
    if ids:
        named = dict.fromkeys(ids)
        done = [
            f"{name} was {handled[name]} already" for name in named if handled.get(name) in again
        ]
        if done:
            fail("\n".join(done))
        return [_find(letters, name) for name in named]
    found = [
        letter
        for letter in letters.read(_topics(topic))
        if letter.id not in handled and _wanted(letter, run)
    ]
    if not found:
        fail("there are no such dead letters")
    return found


def _find(letters: StoredLetters, name: str) -> DeadLetter:
    lies_in, *place = name.split(":")
    topic = lies_in.removesuffix(DEAD_LETTER_SUFFIX)
    if topic not in TOPICS or len(place) != 2 or not all(map(_is_number, place)):
        fail(f"{name!r} is no id of a dead letter, such as scan-results.dlq:0:17", BAD_INPUT)
    found = letters.find(topic, int(place[0]), int(place[1]))
    if found is None:
        fail(f"there is no dead letter {name}", BAD_INPUT)
    return found


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _topics(topic: str | None) -> tuple[str, ...]:
    if topic is None:
        return TOPICS
    name = topic.removesuffix(DEAD_LETTER_SUFFIX)
    if name not in TOPICS:
        fail(f"no topic is called {topic}; there are {', '.join(TOPICS)}", BAD_INPUT)
    return (name,)


def _wanted(letter: DeadLetter, run: int | None) -> bool:
    return run is None or letter.run == run


def _into(run: Run | None) -> str:
    if run is None:
        return ""
    return (
        f" and reopen run {run.id}, which is {run.state}" if run.closed else f" into run {run.id}"
    )


def _confirm(yes: bool, what: str) -> None:
    if not yes:
        typer.confirm(f"{what}?", abort=True)


def _letters(at: Access) -> StoredLetters:
    return StoredLetters(at.engine, at.broker)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))
