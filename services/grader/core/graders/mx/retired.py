"""Remark kinds of the original that wire data cannot reach."""

from services.grader.core.remark import Level, RemarkKind

_WIRE = "An MX record on the wire is a 16-bit number and one name (RFC 1035 section 3.3.9)."


def _retired(tag: str, number: int, text: str, reason: str) -> RemarkKind:
    return RemarkKind(
        tag=tag,
        number=number,
        level=Level.FATAL,
        text=text,
        reference="RFC 1035 section 3.3.9",
        means="Retired: it cannot be said of a record that came over the wire.",
        mend="Nothing: retired.",
        retired=reason,
    )


KINDS = (
    _retired("MX_BLANK_MX_RECORD", 1, "An MX record is empty", f"{_WIRE} It is never empty."),
    _retired("MX_TOO_MANY_PARTS", 2, "An MX record has more than two parts", _WIRE),
    _retired("MX_TOO_FEW_PARTS", 3, "An MX record has fewer than two parts", _WIRE),
    _retired(
        "MX_PREFERENCE_OUT_OF_RANGE",
        4,
        "A preference is not between 0 and 65535",
        f"{_WIRE} Every 16-bit number is allowed.",
    ),
    _retired("MX_INVALID_PREFERENCE", 5, "A preference is no number", _WIRE),
)
