"""Public suffixes, by the Mozilla list that the pinned package `publicsuffixlist` ships."""

from collections.abc import Callable
from functools import lru_cache

from publicsuffixlist import PublicSuffixList

from services.common.dns.names import labels


def public_suffixes(extra: frozenset[str]) -> Callable[[str], str]:
    """A function from a name to its public suffix, private rules included ("github.io"); `extra`
    holds top-level labels that count as suffixes beside the list. "" where neither knows the top
    level."""
    suffixes = PublicSuffixList(accept_unknown=False)

    @lru_cache(maxsize=1 << 16)
    def public_suffix(name: str) -> str:
        plain = ".".join(_plain_labels(name))
        if plain.rpartition(".")[2] in extra:
            return plain.rpartition(".")[2]
        return suffixes.publicsuffix(plain) or ""

    return public_suffix


def registrable(name: str, public_suffix: Callable[[str], str]) -> str:
    """The name that was registered below the public suffix ("example.co.uk"); "" for a suffix
    itself and where the suffix is not known."""
    suffix = public_suffix(name)
    below = labels(name)[: -len(labels(suffix))] if suffix else []
    return f"{below[-1]}.{suffix}" if below else ""


def _plain_labels(name: str) -> list[str]:
    """The labels right of any escaped one: no rule has an escape, and an escaped dot is no
    boundary."""
    parts = labels(name)
    for at in range(len(parts), 0, -1):
        if "\\" in parts[at - 1]:
            return parts[at:]
    return parts
