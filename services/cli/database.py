"""`dnstats database`: the schema, and the copies of reference data that live in it."""

from dataclasses import fields

import typer

from services.cli.fail import fail
from services.common.config import Settings, load
from services.common.messages.envelope import BrokenError, InvalidError
from services.common.reference.load import load as load_reference
from services.common.store.database import BadAddressError, engine, migrate
from services.common.store.faults import translated
from services.common.store.seed import Row, seed
from services.grader.core.catalogue import GRADERS
from services.grader.core.remark import RemarkKind

app = typer.Typer(no_args_is_help=True, help=__doc__)

_FIELDS = tuple(field.name for field in fields(RemarkKind) if field.init)


@app.callback()
def group() -> None:
    """Keeps `migrate` a command of its own while it is the only one."""


@app.command("migrate")
def migrate_and_seed() -> None:
    """Bring the schema and the look-up tables to this release; harmless to repeat. What a newer
    release has made stays as it is."""
    settings = load(Settings)
    providers = load_reference(settings.reference).providers
    try:
        connections = engine(settings.database)
        with translated():
            own = migrate(connections)
            if own:
                with connections.begin() as connection:
                    seed(connection, remark_kinds(), providers.mail_names, providers.dns_names)
    except BadAddressError as error:
        fail(f"DNSTATS_DATABASE: {error}", 2)
    except (BrokenError, InvalidError) as error:
        fail(str(error), 1)
    print("database is up to date" if own else "database is that of a newer release: left as it is")


def remark_kinds() -> list[Row]:
    """Every kind that a grader of this release can use, as rows of `remark_kinds`."""
    return [
        {"grader": grader.name} | {name: getattr(kind, name) for name in _FIELDS}
        for grader in GRADERS.values()
        for kind in grader.kinds
    ]
