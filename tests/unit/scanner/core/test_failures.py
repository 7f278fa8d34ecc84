"""The limit on failed scans."""

from services.scanner.core.failures import AMONG, MOST, Failures


def test_as_many_as_allowed_are_not_too_many() -> None:
    failures = Failures()
    for _ in range(MOST):
        failures.count(failed=True)
    assert not failures.too_many
    failures.count(failed=True)
    assert failures.too_many


def test_old_failures_are_forgotten() -> None:
    failures = Failures()
    for _ in range(MOST):
        failures.count(failed=True)
    for _ in range(AMONG):
        failures.count(failed=False)
    failures.count(failed=True)
    assert not failures.too_many


def test_one_in_a_hundred_is_borne_for_ever() -> None:
    failures = Failures()
    for number in range(3 * AMONG):
        failures.count(failed=number % 101 == 0)
        assert not failures.too_many
