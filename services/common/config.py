"""Settings from the environment: parsed and validated before anything connects."""

import sys
from typing import Annotated, Literal, NoReturn, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

ENV_FILE = ".dnstats/env"
"""Addresses of the local broker and database, written by `make run`; real variables win."""


def _postgresql(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres", "postgresql+psycopg2"):
        raise ValueError("no PostgreSQL URL (postgresql://user:password@host:5432/name)")
    _ = parts.port  # raises ValueError
    return url


class Settings(BaseSettings):
    """What every service and command needs to know; one subclass per service adds its own."""

    model_config = SettingsConfigDict(
        env_prefix="DNSTATS_", env_file=ENV_FILE, extra="ignore", frozen=True
    )

    env: str = "Production"
    kafka: str = "localhost:9092"
    database: Annotated[str, AfterValidator(_postgresql)] = (
        "postgresql://dnstats@localhost:5432/dnstats"
    )
    resolvers: str = "127.0.0.1:53"
    targets: str = "public"
    reference: Literal["public", "world"] = "public"
    topic_prefix: str = ""
    partitions: int = Field(24, ge=1)
    """Of each of the main topics."""
    replication: int = Field(3, ge=1)
    """Of every topic; 1 on the local broker."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    http_port: int = 0
    """Port of /metrics, /live and /ready on `http_host`; 0 takes a free one and logs it."""
    http_host: str = "127.0.0.1"

    @property
    def development(self) -> bool:
        return self.env == "Development"


S = TypeVar("S", bound=Settings)


def load(kind: type[S], **given: object) -> S:
    """Read `kind` from the environment; `given` values win. Exits with 2 and one line per fault."""
    try:
        return kind.model_validate({k: v for k, v in given.items() if v is not None})
    except ValidationError as error:
        _refuse(error)


def _refuse(error: ValidationError) -> NoReturn:
    for fault in error.errors():
        name = "DNSTATS_" + "_".join(str(part) for part in fault["loc"]).upper()
        shown = str(fault["input"])
        given = "" if "@" in shown else f" (it is {shown!r})"  # it may hold a password
        print(f"{name}: {fault['msg']}{given}", file=sys.stderr)
    sys.exit(2)
