"""Verdicts for tests that compare two runs."""

from hypothesis import strategies as st

from services.grader.core.attribution import Standing, Verdict

MISSING = Verdict(Standing.MISSING)


def verdict(points: int | None = 80, **changes: object) -> Verdict:
    standing = Standing.WITHHELD if points is None else Standing.POINTS
    known: dict[str, object] = {
        "standing": standing,
        "points": points,
        "grader_version": 1,
        "reference_version": 1,
        "evidence_hash": b"a",
        "finished_at": 1,
    }
    return Verdict(**known | changes)  # type: ignore[arg-type]


@st.composite
def verdicts(draw: st.DrawFn) -> Verdict:
    """Few values, so that much is equal by chance."""
    standing = draw(st.sampled_from(Standing))
    if standing is Standing.MISSING:
        return MISSING
    return verdict(
        draw(st.sampled_from([0, 80, 100])) if standing is Standing.POINTS else None,
        standing=standing,
        grader_version=draw(st.integers(1, 2)),
        reference_version=draw(st.integers(1, 2)),
        evidence_hash=draw(st.sampled_from([b"a", b"b"])),
        finished_at=draw(st.integers(1, 2)),
    )
