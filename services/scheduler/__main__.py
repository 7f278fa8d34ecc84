"""The scheduler service: waits until it leads, then takes one turn after the other."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import Engine

from services.common.config import load
from services.common.messages.envelope import BrokenError
from services.common.store import database
from services.common.stream.producer import Producer
from services.common.stream.service import Service, start
from services.common.telemetry import metrics
from services.common.telemetry.health import Pulse
from services.common.telemetry.logs import logger
from services.scheduler.adapters.leader import Leadership
from services.scheduler.adapters.list_source import list_file
from services.scheduler.adapters.mail import PrintedMails, SmtpMailer
from services.scheduler.adapters.plans import Rates, StoredPlans
from services.scheduler.adapters.post import StoredPost
from services.scheduler.adapters.runs import StoredRuns
from services.scheduler.adapters.topics import BrokerTopics
from services.scheduler.core.order import order
from services.scheduler.core.ranked_list import ListInfo
from services.scheduler.handler import Scheduler
from services.scheduler.handler.deliver import Deliverer
from services.scheduler.handler.follow import Follower
from services.scheduler.handler.lists import Importer
from services.scheduler.handler.ports import Mailer
from services.scheduler.handler.publish import Publisher
from services.scheduler.handler.timetable import Job, Timetable
from services.scheduler.settings import Settings

STANDBY_SECONDS = 2.0


def main() -> None:
    settings = load(Settings)
    service = start("scheduler", settings)
    engine = database.engine(settings.database)
    service.wait_for(partial(_verify, engine))
    producer = Producer(service.broker)
    leadership, leading = Leadership(engine), threading.Event()
    repeat = partial(_repeat, service, leading, settings.poll_seconds)
    works = (
        partial(leadership.keep, service.stop),
        partial(repeat, outbox(settings, engine, producer), Pulse()),
        partial(repeat, *timetable(settings, engine, service)),
    )
    with ThreadPoolExecutor(len(works)) as threads:
        others = [threads.submit(work) for work in works]
        for other in others:
            other.add_done_callback(lambda _: service.stop.set())
        try:
            _lead(runs(settings, engine, service, producer), leadership, leading, service, settings)
        finally:
            service.stop.set()
            leadership.give_up()
    for other in others:
        other.result()


def runs(settings: Settings, engine: Engine, service: Service, producer: Producer) -> Scheduler:
    """What publishes and follows runs; long work touches the pulse "schedule"."""
    pulse = service.health.pulse("schedule")

    def tell(event: str, **fields: object) -> None:
        pulse.touch()
        logger().info(event, **fields)

    stored = StoredRuns(engine, _now, tell)
    topics = BrokerTopics(service.broker)
    deadline = timedelta(hours=settings.deadline_hours)
    return Scheduler(
        stored,
        Publisher(stored, _plans(settings, engine), topics, producer, _now, deadline),
        Follower(stored, topics, _now, settings.botched_below),
    )


def timetable(
    settings: Settings, engine: Engine, service: Service
) -> tuple[Callable[[], None], Pulse]:
    """What starts runs and imports by the clock, and its pulse. It works beside the runs: an
    import may take long."""
    plans, pulse = _plans(settings, engine), service.health.pulse("timetable")

    def beat(done: int, of: int | None) -> None:
        pulse.touch()

    def start_run(tick: datetime) -> None:
        top = settings.development_top if settings.development else None
        plans.plan(order(None, None, settings.grader_names, top), tick, _now())

    def import_list(tick: datetime) -> None:
        with list_file(settings.list_source, beat) as file:
            info = ListInfo(settings.list_source, file.name, tick.date(), file.sha256)
            Importer(plans, _now).run(info, file.lines(beat))

    jobs = {
        "import": Job(settings.import_schedule, import_list),
        "run": Job(settings.run_schedule, start_run),
    }
    return Timetable(plans, jobs, _now).turn, pulse


def outbox(settings: Settings, engine: Engine, producer: Producer) -> Callable[[], None]:
    """What delivers mails and events. It works beside the runs: a mail server that does not answer
    holds none."""
    post = StoredPost(engine)
    deliverer = Deliverer(post, mailer(settings), producer, _now)

    def deliver() -> None:
        deliverer.deliver()
        metrics.LETTERS_WAITING.set(post.count_waiting())

    return deliver


def mailer(settings: Settings) -> Mailer:
    if settings.development or not settings.mail_server:
        return PrintedMails()
    return SmtpMailer(
        settings.mail_server,
        settings.mail_from,
        settings.mail_to,
        user=settings.mail_user,
        password=settings.mail_password,
        tls=settings.mail_tls,
    )


def _lead(
    scheduler: Scheduler,
    leadership: Leadership,
    leading: threading.Event,
    service: Service,
    settings: Settings,
) -> None:
    pulse = service.health.pulse("schedule")
    pulse.assigned = True
    while not service.stop.is_set():
        pulse.touch()
        if not leadership.held():
            _note_leading(leading, False)
            service.stop.wait(STANDBY_SECONDS)
            continue
        _note_leading(leading, True)
        if not _done(scheduler.turn, pulse):
            service.stop.wait(settings.poll_seconds)


def _note_leading(leading: threading.Event, now: bool) -> None:
    if now == leading.is_set():
        return
    if now:
        leading.set()
        logger().info("leading")
    else:
        leading.clear()
        logger().warning("leadership lost")
    metrics.LEADING.set(now)


def _repeat(
    service: Service,
    leading: threading.Event,
    seconds: float,
    work: Callable[[], object],
    pulse: Pulse,
) -> None:
    """Do it again and again while we lead."""
    pulse.assigned = True
    while not service.stop.wait(seconds):
        pulse.touch()
        if leading.is_set():
            _done(work, pulse)


def _done(work: Callable[[], object], pulse: Pulse) -> bool:
    """Do it, if it can be done; whether there may be more to do at once."""
    try:
        more = work()
    except BrokenError as error:
        pulse.fault = str(error)
        logger().warning("waiting", fault=str(error))
        return False
    pulse.fault = ""
    return bool(more)


def _plans(settings: Settings, engine: Engine) -> StoredPlans:
    return StoredPlans(engine, Rates(settings.overall_rate, settings.operator_rate))


def _verify(engine: Engine) -> None:
    try:
        database.verify(engine)
    except database.SchemaError as error:
        raise SystemExit(str(error)) from error


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
