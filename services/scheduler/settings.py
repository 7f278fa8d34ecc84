"""Settings of the scheduler."""

from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from services.common import config
from services.scheduler.core.schedule import check

Schedule = Annotated[str, AfterValidator(check)]


class Settings(config.Settings):
    import_schedule: Schedule = "1 1 * * *"
    """When the list is imported: cron, UTC; empty for never."""
    run_schedule: Schedule = "0 8 * * *"
    """When a run starts: cron, UTC; empty for never."""
    list_source: str = "https://tranco-list.eu/top-1m.csv.zip"
    """File or URL that the schedule imports."""
    graders: str = "spf,dmarc,mx"
    """Those that a run waits for."""
    development_top: int = Field(default=300, ge=1)
    """Sites of a run where DNSTATS_ENV is Development."""
    deadline_hours: float = Field(default=20, gt=0)
    """A run that takes longer is closed as incomplete."""
    botched_below: float = Field(default=0.92, ge=0, le=1)
    """Share of a run's sites that must have a SiteRun."""
    overall_rate: float = Field(default=1000, gt=0)
    """Questions a second, for estimates."""
    operator_rate: float = Field(default=100, gt=0)
    """Questions a second to one operator, for estimates."""
    poll_seconds: float = Field(default=1, gt=0)
    """Pause between two looks at the state of things."""
    mail_server: str = ""
    """host:port; empty: mails are printed."""
    mail_from: str = "dnstats@localhost"
    mail_to: str = "root@localhost"
    mail_user: str = ""
    mail_password: str = Field(default="", repr=False)
    mail_tls: bool = False
    """Whether the server must speak TLS (STARTTLS)."""

    @field_validator("mail_server")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if value and not (host and port.isdecimal() and 0 < int(port) < 65536):
            raise ValueError("not host:port")
        return value

    @property
    def grader_names(self) -> tuple[str, ...]:
        return tuple(name.strip() for name in self.graders.split(",") if name.strip())
