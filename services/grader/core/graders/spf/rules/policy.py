"""Rules about what the site's own record says, the records that it redirects to included."""

from collections.abc import Iterator

from services.common.dns.lookup import Observation
from services.common.records.spf_network import BITS, Network
from services.common.records.spf_term import Mechanism, Modifier
from services.common.reference.bundle import Reference
from services.grader.core.graders.spf.facts import PASS, Evaluation, Verdict
from services.grader.core.graders.spf.kinds import policy as kinds
from services.grader.core.remark import Remark

WIDE_PREFIX = {4: 8, 6: 18}
"""No single owner of mail servers holds so large a network."""
MECHANISMS = frozenset({"all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"})


def ptr(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 5.5: ptr should not be used."""
    for verdict, term in _mechanisms(view):
        if term.name == "ptr":
            yield kinds.HAS_PTR(view.txt(verdict), name=verdict.name, term=term.text)


def ending(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 sections 4.7 and 5.1: what holds for servers that no term lists."""
    last = view.chain[-1]
    record, seen = last.node.record, view.txt(last)
    if record is None:
        return
    if record.all is None:
        if not (view.root.ending or record.faults or last.redirect):
            yield kinds.DEFAULT_ALL_QUALIFIER(seen, name=seen.name)
    elif record.all.qualifier == view.root.ending:
        yield from _all(seen, record.all)


def open_terms(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 sections 5.2 and 5.7: an include of a record that passes everyone, and an exists
    with a fixed name that has an address, match every server."""
    for verdict, outcome in view.outcomes:
        term = outcome.step.term
        if isinstance(term, Mechanism) and term.qualifier == PASS and outcome.matches_everyone:
            include = term.name == "include"
            kind = kinds.INCLUDE_PASSES_ALL if include else kinds.EXISTS_PASSES_ALL
            yield kind(*outcome.seen, name=verdict.name, term=term.text)


def every_address(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 5.6: a record can list the whole address space."""
    for version, count in view.addresses.items():
        if count == 1 << BITS[version]:
            seen = view.txt(view.root)
            yield kinds.EVERY_ADDRESS(seen, name=seen.name, version=version)


def wide_networks(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 5.6: a short prefix length admits millions of machines."""
    for verdict, term in _mechanisms(view):
        if term.qualifier == PASS and _wide(term, view.reference):
            yield kinds.TOO_WIDE(view.txt(verdict), name=verdict.name, term=term.text)


def private_networks(view: Evaluation) -> Iterator[Remark]:
    """RFC 6890 section 2.2: mail does not arrive from special-purpose addresses."""
    for verdict, term, network in _networks(view):
        if not view.reference.is_public(network.masked):
            yield kinds.PRIVATE_RANGE(view.txt(verdict), name=verdict.name, term=term.text)


def terms_after_all(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 5.1: mechanisms after all are ignored."""
    for verdict in view.chain:
        record, seen = verdict.node.record, view.txt(verdict)
        if record and record.all and record.ignored:
            others = [term.text for term in record.ignored if term.name != "all"]
            if others:
                yield kinds.TERMS_AFTER_ALL(
                    seen, name=seen.name, all=record.all.text, terms=" ".join(others)
                )
            for term in record.ignored:
                if term.name == "all":
                    yield kinds.TOO_MANY_ENDINGS(seen, name=seen.name, term=term.text)


def ignored_redirect(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 6.1: redirect is ignored where there is an all."""
    for verdict, term in _modifiers(view):
        final = verdict.node.record and verdict.node.record.all
        if term.name == "redirect" and final:
            seen = view.txt(verdict)
            yield kinds.REDIRECT_WITH_ALL(seen, name=seen.name, all=final.text, term=term.text)


def unknown_modifiers(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 6: unknown modifiers are ignored, mistyped mechanisms among them."""
    for verdict, term in _modifiers(view):
        if term.name not in ("redirect", "exp"):
            kind = kinds.UNKNOWN_MODIFIER
            if term.name in MECHANISMS:
                kind = kinds.MECHANISM_AS_MODIFIER
            elif term.name == "v":
                kind = kinds.TOO_MANY_STARTS
            yield kind(view.txt(verdict), name=verdict.name, term=term.text)


def host_bits(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 5.6: bits behind the prefix length do not count."""
    for verdict, term, network in _networks(view):
        if not network.canonical:
            yield kinds.HOST_BITS(
                view.txt(verdict), name=verdict.name, term=term.text, network=network.masked
            )


def repeated_terms(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 4.6.4: a repeated term costs its lookups again."""
    for verdict in view.chain:
        met: set[str] = set()
        told: set[str] = set()
        for term in _evaluated(verdict):
            meaning = str(term).lstrip("-?~")
            if meaning in met and meaning not in told:
                told.add(meaning)
                yield kinds.DUPLICATE_TERM(view.txt(verdict), name=verdict.name, term=term.text)
            met.add(meaning)


def covered_networks(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 3.4: a network within another one only makes the record longer."""
    listed = [entry for entry in _networks(view) if entry[1].qualifier == PASS]
    listed.sort(key=lambda entry: (entry[2].version, entry[2].first, -entry[2].last))
    widest: tuple[Verdict, Mechanism, Network] | None = None
    for entry in listed:
        verdict, term, network = entry
        if widest is None or not _within(network, widest[2]):
            widest = entry
        elif str(term) != str(widest[1]):
            yield kinds.REDUNDANT_ADDRESS(
                view.txt(verdict), name=verdict.name, term=term.text, other=widest[1].text
            )


def null_record(view: Evaluation) -> Iterator[Remark]:
    """RFC 7208 section 5.1: v=spf1 -all says that no server sends mail for the domain."""
    if view.says_null:
        seen = view.txt(view.root)
        kind = kinds.NULL_RECORD_WITH_MX if view.takes_mail else kinds.NULL_RECORD
        yield kind(seen, view.mx, name=seen.name)


def _all(seen: Observation, term: Mechanism) -> Iterator[Remark]:
    if term.qualifier == PASS:
        yield kinds.PASS_ALL(seen, name=seen.name, term=term.text)
    elif term.qualifier == "?":
        yield kinds.NEUTRAL_ALL(seen, name=seen.name)
    elif term.qualifier == "~":
        yield kinds.SOFTFAIL_ALL(seen, name=seen.name)


def _mechanisms(view: Evaluation) -> Iterator[tuple[Verdict, Mechanism]]:
    for verdict in view.chain:
        for term in _evaluated(verdict):
            yield verdict, term


def _evaluated(verdict: Verdict) -> Iterator[Mechanism]:
    """The mechanisms that a receiver evaluates."""
    for term in verdict.node.record.effective if verdict.node.record else ():
        if isinstance(term, Mechanism):
            yield term


def _networks(view: Evaluation) -> Iterator[tuple[Verdict, Mechanism, Network]]:
    for verdict, term in _mechanisms(view):
        if term.network:
            yield verdict, term, term.network


def _modifiers(view: Evaluation) -> Iterator[tuple[Verdict, Modifier]]:
    for verdict in view.chain:
        for term in verdict.node.record.terms if verdict.node.record else ():
            if isinstance(term, Modifier):
                yield verdict, term


def _wide(term: Mechanism, reference: Reference) -> bool:
    """Private networks may be as wide as they like: `private_networks` is about them."""
    if network := term.network:
        wide = network.prefix <= WIDE_PREFIX[network.version]
        return wide and reference.is_public(network.masked)
    return term.prefix4 <= WIDE_PREFIX[4] or term.prefix6 <= WIDE_PREFIX[6]


def _within(network: Network, other: Network) -> bool:
    return network.version == other.version and network.last <= other.last


RULES = (
    ptr,
    ending,
    open_terms,
    every_address,
    wide_networks,
    private_networks,
    terms_after_all,
    ignored_redirect,
    unknown_modifiers,
    host_bits,
    repeated_terms,
    covered_networks,
    null_record,
)
