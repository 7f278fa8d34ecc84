import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.dns.names import BadNameError, normalise
from services.scheduler.core.site_name import site_name


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("example.com", "example.com"),
        ("Example.COM.", "example.com"),
        (" example.com ", "example.com"),
        ("com", "com"),
        ("_dmarc.example.com", "_dmarc.example.com"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("MÜNCHEN.example", "xn--mnchen-3ya.example"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ("1and1.com", "1and1.com"),
        ("1.example", "1.example"),
    ],
)
def test_names_that_people_write(written: str, name: str) -> None:
    assert site_name(written) == name


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "empty"),
        (".", "empty"),
        ("a..com", "empty label"),
        ("https://example.com/", "':'"),
        ("me@example.com", "'@'"),
        ("two words.com", "' '"),
        ("*.example.com", "'*'"),
        ("192.0.2.1", "number"),
        ("2001:db8::1", "':'"),
        ("0x7f", "number"),
        ("a" * 64 + ".com", "63"),
        (".".join(["a" * 60] * 5), "255"),
        ("\ud800.com", "internationalised"),
        ("a\u200b\u00ad..ü", "internationalised"),
    ],
)
def test_what_is_no_domain_is_refused_with_the_reason(written: str, reason: str) -> None:
    with pytest.raises(BadNameError, match=reason):
        site_name(written)


@given(st.text(max_size=300))
def test_any_text_is_a_name_in_our_form_or_refused(text: str) -> None:
    try:
        name = site_name(text)
    except BadNameError:
        return
    assert normalise(name) == name
    assert site_name(name) == name
