"""`dnstats`: every service and every command behind one name."""

import sys
from importlib import import_module
from typing import Any

import typer

SERVICES = {
    "scheduler": "Make runs, publish their batches, follow them to the end",
    "scanner": "Take batches and ask DNS about their sites",
    "processor": "Turn scan results into SiteRuns and grade requests",
    "grader": "Judge grade requests (--graders spf,dmarc,mx)",
}
COMMANDS = (
    "check",
    "site",
    "sites",
    "runs",
    "dlq",
    "regrade",
    "regrades",
    "diff",
    "reprocess",
    "status",
    "doctor",
    "topics",
    "database",
    "generate",
)
"""Modules of this package: each has an `app` (a group) or a function of its own name."""


def main() -> None:
    arguments = sys.argv[1:]
    wanted = arguments[0] if arguments else ""
    if wanted in SERVICES and arguments[1:] not in (["--help"], ["-h"]):
        sys.argv = [f"dnstats {wanted}", *arguments[1:]]
        import_module(f"services.{wanted}.__main__").main()
        return
    build(wanted)(prog_name="dnstats")


def build(wanted: str = "") -> typer.Typer:
    """The command line; with the name of a command only that one, so that it starts fast."""
    app = typer.Typer(
        no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
    )
    app.callback()(lambda: None)
    for name, text in SERVICES.items():
        app.command(name, help=text)(lambda: None)
    for name in [wanted] if wanted in COMMANDS else COMMANDS:
        _mount(app, name)
    return app


def _mount(app: typer.Typer, name: str) -> None:
    module: Any = import_module(f"services.cli.{name}")
    if hasattr(module, "app"):
        app.add_typer(module.app, name=name)
    else:
        app.command(name)(getattr(module, name))


if __name__ == "__main__":
    main()
