from services.common.messages.dead_letter import DeadLetter
from services.common.messages.envelope import Incoming, run_header
from services.common.messages.scan_request import BatchSite, ScanRequest
from services.common.messages.topics import SCAN_REQUESTS, SCAN_RESULTS
from services.scheduler.core.dead import reasons


def _letter(
    topic: str, value: bytes, service: str, run: int = 7, why: str = "cut off"
) -> DeadLetter:
    origin = Incoming(topic, 0, 0, b"a.test", value, (run_header(run),), 0)
    return DeadLetter(0, 0, origin, service, why, 0)


def test_a_result_is_about_the_site_in_its_key() -> None:
    letters = [_letter(SCAN_RESULTS, b"?", "processor")]
    assert reasons(letters, 7) == {"processor": {"a.test": "dead letter: cut off"}}


def test_the_last_letter_about_a_site_says_why() -> None:
    letters = [_letter(SCAN_RESULTS, b"?", "processor", why=why) for why in ("old", "new")]
    assert reasons(letters, 7) == {"processor": {"a.test": "dead letter: new"}}


def test_a_batch_is_about_each_of_its_sites() -> None:
    sites = (BatchSite(1, "b.test", 1), BatchSite(2, "c.test", 2))
    batch = ScanRequest(7, 0, 0, 0, b"", "normal", sites).encode()
    assert reasons([_letter(SCAN_REQUESTS, batch, "scanner")], 7) == {
        "scanner": {"b.test": "dead letter: cut off", "c.test": "dead letter: cut off"}
    }


def test_letters_of_other_runs_and_of_none_are_left_out() -> None:
    stranger = DeadLetter(0, 0, Incoming(SCAN_RESULTS, 0, 0, None, None, (), 0), "", "", 0)
    assert reasons([_letter(SCAN_RESULTS, b"?", "processor", run=6), stranger], 7) == {}


def test_a_batch_that_cannot_be_read_names_no_site() -> None:
    assert reasons([_letter(SCAN_REQUESTS, b"damaged", "scanner")], 7) == {"scanner": {}}
