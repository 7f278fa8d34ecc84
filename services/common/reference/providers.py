"""Who runs a site's mail and its name servers, by the names of the hosts.

A row of the table matches a host whose rightmost labels are the row's; `#` stands for digits. Of
several rows that match one host the one with the most labels counts; where the hosts of one site
belong to several providers, the row that is earlier in the table.
"""

import re
from collections.abc import Callable, Collection

from services.common.dns.names import labels
from services.common.reference.suffixes import registrable
from services.common.reference.table import rows

NO_MAIL = "No mail"
SELF_HOSTED = "Self-hosted"
UNKNOWN = "Unknown"

_DIGITS = re.compile(r"\d+")


class Providers:
    """Labels hosts by the shipped table; pure, and without regard to the order of hosts."""

    def __init__(self, public_suffix: Callable[[str], str]) -> None:
        self._public_suffix = public_suffix
        self._mail = _Table("mail")
        self._dns = _Table("dns")

    @property
    def mail_names(self) -> tuple[str, ...]:
        """Every label that `mail` can return."""
        return (*self._mail.names, SELF_HOSTED, NO_MAIL, UNKNOWN)

    @property
    def dns_names(self) -> tuple[str, ...]:
        """Every label that `dns` can return."""
        return (*self._dns.names, SELF_HOSTED, UNKNOWN)

    def mail(self, domain: str, mx_exchanges: Collection[str]) -> str:
        """The label for the exchanges of a determined answer. No exchange, or only the root
        (the null MX of RFC 7505), is "No mail"."""
        exchanges = [name for name in mx_exchanges if name != "."]
        return self._label(self._mail, domain, exchanges) if exchanges else NO_MAIL

    def dns(self, domain: str, ns_names: Collection[str]) -> str | None:
        """The label for the name servers; None where there is none."""
        return self._label(self._dns, domain, ns_names) if ns_names else None

    def _label(self, table: "_Table", domain: str, hosts: Collection[str]) -> str:
        own = self._registrable(domain)
        if all(self._registrable(host) == own for host in hosts):
            return SELF_HOSTED
        return table.find(hosts) or UNKNOWN

    def _registrable(self, name: str) -> str:
        """A public suffix, and a name below no known one, stands for itself."""
        return registrable(name, self._public_suffix) or name


class _Table:
    """The rows of one kind."""

    def __init__(self, kind: str) -> None:
        own = [row for row in rows("providers.csv") if row["kind"] == kind]
        self._name_of = [row["name"] for row in own]
        self._row_of = {row["suffix"]: number for number, row in enumerate(own)}
        self.names = tuple(dict.fromkeys(self._name_of))
        self._longest = max(suffix.count(".") + 1 for suffix in self._row_of)

    def find(self, hosts: Collection[str]) -> str | None:
        found = [row for host in hosts if (row := self._row(host)) is not None]
        return self._name_of[min(found)] if found else None

    def _row(self, host: str) -> int | None:
        parts = labels(host)[-self._longest :]
        for at in range(len(parts)):
            suffix = ".".join(parts[at:])
            row = self._row_of.get(suffix)
            if row is None:
                row = self._row_of.get(_DIGITS.sub("#", suffix))
            if row is not None:
                return row
        return None
