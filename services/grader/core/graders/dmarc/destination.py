"""Where reports go, and whether they arrive (RFC 9990 section 4)."""

from dataclasses import dataclass

from services.common.dns.lookup import Observation
from services.common.dns.status import Status
from services.common.records.dmarc import is_dmarc, parse_dmarc

_NULL_MX = ("0 .",)


@dataclass(frozen=True, slots=True)
class Destination:
    """A host that reports go to. `permission` is its word that it takes them: None where none is
    needed, and for an external one where no message can hold the name to ask for."""

    host: str
    external: bool
    permission: Observation | None
    mail: Observation
    addresses: tuple[Observation, ...]

    @property
    def lookups(self) -> tuple[Observation, ...]:
        granted = () if self.permission is None else (self.permission,)
        return (*granted, self.mail, *self.addresses)

    @property
    def unobserved(self) -> list[Observation]:
        return [seen for seen in self.lookups if not seen.determined]

    @property
    def permits(self) -> bool:
        """Any record that starts with the version is a yes."""
        if not self.external:
            return True
        return self.permission is not None and any(map(is_dmarc, self.permission.rdata))

    @property
    def refuses(self) -> bool:
        """A permission is needed and provably not given."""
        asked = self.permission
        return not self.permits and (asked is None or asked.determined)

    @property
    def diverted_to(self) -> str:
        """Another host that the permission names instead, which forbids any report; else ""."""
        texts = () if self.permission is None else sorted(self.permission.rdata)
        records = [parse_dmarc(text) for text in texts if is_dmarc(text)]
        hosts = (uri.host for record in records for uri in record.rua if uri.deliverable)
        return next((host for host in hosts if host != self.host), "")

    @property
    def takes_mail(self) -> bool:
        if self.mail.answered:
            return self.mail.rdata != _NULL_MX
        return any(seen.answered for seen in self.addresses)

    @property
    def takes_no_mail(self) -> bool:
        """It exists, and provably no mail can be sent to it."""
        if self.mail.status is Status.NODATA:
            return all(seen.absent for seen in self.addresses)
        return self.mail.rdata == _NULL_MX or self.mail.status is Status.BOGUS

    @property
    def works(self) -> bool:
        return self.permits and not self.diverted_to and self.takes_mail
