from datetime import timedelta

from services.common.messages import run_event
from services.common.messages.topics import RUN_EVENTS
from services.scheduler.core.letters import event, mail
from services.scheduler.handler.deliver import Deliverer, pause
from tests.unit.scheduler.fakes import START, Clock, Mailer, Post, Sender, planned

MAIL = mail("occasion", "Scan Starting", "Run 7 starts.")
EVENT = event(planned(), "started", START, {"sites": 3})


def test_mails_and_events_are_delivered_once() -> None:
    clock, mailer, sender = Clock(), Mailer(), Sender()
    deliverer = Deliverer(Post([MAIL, EVENT], START), mailer, sender, clock)
    deliverer.deliver()
    deliverer.deliver()
    assert mailer.sent == [(MAIL.id, "[DNStats] Scan Starting", "Run 7 starts.\n")]
    (message,) = sender.delivered
    assert message.topic == RUN_EVENTS
    decoded = run_event.decode(message.value)
    assert (decoded.event_id, decoded.kind, decoded.counts) == (EVENT.id, "started", {"sites": 3})


def test_a_mail_server_that_is_down_holds_no_event_and_loses_no_mail() -> None:
    clock, mailer, sender = Clock(), Mailer(), Sender()
    post = Post([MAIL, EVENT], START)
    deliverer = Deliverer(post, mailer, sender, clock)
    mailer.down = True
    for _ in range(3):
        deliverer.deliver()
        clock.advance(seconds=5)
    assert len(sender.delivered) == 1
    assert post.errors == ["mail.example:25: connection refused"] * 2
    mailer.down = False
    clock.advance(minutes=1)
    deliverer.deliver()
    assert len(mailer.sent) == 1
    assert not post.due


def test_a_mail_server_that_is_down_is_asked_once_a_round() -> None:
    clock, mailer = Clock(), Mailer()
    letters = [mail(f"occasion {number}", "a", "b") for number in range(5)]
    post = Post(letters, START)
    mailer.down = True
    Deliverer(post, mailer, Sender(), clock).deliver()
    assert mailer.asked == 1
    assert len(post.due) == len(post.errors) == 5


def test_a_broker_that_is_down_holds_no_mail_and_loses_no_event() -> None:
    clock, mailer, sender = Clock(), Mailer(), Sender(limit=0)
    post = Post([EVENT, MAIL], START)
    deliverer = Deliverer(post, mailer, sender, clock)
    deliverer.deliver()
    assert len(mailer.sent) == 1
    sender.limit = None
    clock.advance(seconds=5)
    deliverer.deliver()
    assert len(sender.delivered) == 1
    assert not post.due


def test_one_occasion_has_one_id() -> None:
    assert mail("occasion", "a", "b").id == MAIL.id != mail("other", "a", "b").id
    assert event(planned(), "started", START, {}).id == EVENT.id
    assert event(planned(), "queued", START, {}).id != EVENT.id


def test_pauses_grow_to_a_quarter_of_an_hour() -> None:
    assert [pause(attempts).total_seconds() for attempts in range(4)] == [5, 10, 20, 40]
    assert pause(10**6) == timedelta(minutes=15)
