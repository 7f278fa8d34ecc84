"""The scheduler service: waits until it leads, then takes one turn after the other."""

import threading
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import Engine

from services.common.config import load
from services.common.messages.envelope import BrokenError
from services.common.store import database
from services.common.stream.producer import Producer
from services.common.stream.service import Service, start
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
    scheduler = build(settings, engine, service, producer)
    deliverer = Deliverer(StoredPost(engine), mailer(settings), producer, _now)
    leadership = Leadership(engine)
    leading = threading.Event()
    post = threading.Thread(
        target=_deliver, args=(deliverer, service, settings.poll_seconds, leading), name="outbox"
    )
    post.start()
    try:
        _lead(scheduler, leadership, leading, service, settings.poll_seconds)
    finally:
        service.stop.set()
        post.join()
        leadership.give_up()


def build(settings: Settings, engine: Engine, service: Service, producer: Producer) -> Scheduler:
    """The scheduler on real components."""
    runs = StoredRuns(engine, _now)
    plans = StoredPlans(engine, Rates(settings.overall_rate, settings.operator_rate))
    topics = BrokerTopics(service.broker)
    importer = Importer(plans, _now)

    def start_run(tick: datetime) -> None:
        top = settings.development_top if settings.development else None
        plans.plan(order(None, None, settings.grader_names, top), tick, _now())

    def import_list(tick: datetime) -> None:
        with list_file(settings.list_source) as file:
            info = ListInfo(settings.list_source, file.name, tick.date(), file.sha256)
            importer.run(info, file.lines())

    jobs = {
        "import": Job(settings.import_schedule, import_list),
        "run": Job(settings.run_schedule, start_run),
    }
    deadline = timedelta(hours=settings.deadline_hours)
    return Scheduler(
        runs,
        Timetable(plans, jobs, _now),
        Publisher(runs, plans, topics, producer, _now, deadline),
        Follower(runs, topics, _now, settings.botched_below),
    )


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
    seconds: float,
) -> None:
    pulse = service.health.pulse("schedule")
    pulse.assigned = True
    while not service.stop.is_set():
        pulse.touch()
        if not leadership.held():
            if leading.is_set():
                logger().warning("leadership lost")
            leading.clear()
            service.stop.wait(STANDBY_SECONDS)
            continue
        if not leading.is_set():
            logger().info("leading")
            leading.set()
        _try(scheduler, pulse)
        service.stop.wait(seconds)


def _try(scheduler: Scheduler, pulse: Pulse) -> None:
    try:
        scheduler.turn()
        pulse.fault = ""
    except BrokenError as error:
        pulse.fault = str(error)
        logger().warning("waiting", fault=str(error))


def _deliver(
    deliverer: Deliverer, service: Service, seconds: float, leading: threading.Event
) -> None:
    """In a thread of its own: a mail server that does not answer holds no run."""
    while not service.stop.wait(seconds):
        if not leading.is_set():
            continue
        try:
            deliverer.deliver()
        except BrokenError as error:
            logger().warning("outbox waits", fault=str(error))


def _verify(engine: Engine) -> None:
    try:
        database.verify(engine)
    except database.SchemaError as error:
        raise SystemExit(str(error)) from error


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
