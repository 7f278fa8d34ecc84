"""Copies of what the software knows, for joins in SQL; seeding again brings them up to date."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.postgresql import insert

from services.common.store import tables

Row = Mapping[str, Any]

SPF_POLICIES = (
    {"policy": "+all", "label": "Pass", "colour": "#FF00FF"},
    {"policy": "?all", "label": "Neutral", "colour": "#FFBF7F"},
    {"policy": "~all", "label": "Soft-fail", "colour": "#72E572"},
    {"policy": "-all", "label": "Fail", "colour": "#8080FF"},
    {"policy": "no_policy", "label": "No Policy", "colour": "#FF8080"},
)
DMARC_POLICIES = (
    {"policy": "none", "label": "None", "colour": "#FFBF7F"},
    {"policy": "quarantine", "label": "Quarantine", "colour": "#72E572"},
    {"policy": "reject", "label": "Reject", "colour": "#8080FF"},
    {"policy": "no_policy", "label": "No Policy", "colour": "#FF8080"},
    {"policy": "invalid", "label": "Invalid", "colour": "#FF00FF"},
)


def seed(
    connection: Connection,
    remark_kinds: Iterable[Row],
    mail_providers: Iterable[str],
    dns_providers: Iterable[str],
) -> None:
    """`remark_kinds` have a value per column of the table. What has gone from the software stays:
    the rows of earlier runs still name it."""
    _put(connection, tables.spf_policies, SPF_POLICIES)
    _put(connection, tables.dmarc_policies, DMARC_POLICIES)
    _put(connection, tables.remark_kinds, remark_kinds)
    _put(connection, tables.mail_providers, ({"name": name} for name in mail_providers))
    _put(connection, tables.dns_providers, ({"name": name} for name in dns_providers))


def _put(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    known = list(rows)
    if not known:
        return
    statement = insert(table)
    key = [column.name for column in table.primary_key.columns]
    changes = {c.name: c for c in statement.excluded if c.name not in key}
    if changes:
        statement = statement.on_conflict_do_update(index_elements=key, set_=changes)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=key)
    connection.execute(statement, known)
