"""What decodes and can still not be: a service of ours never wrote it."""

from services.common.dns.names import BadNameError, normalise
from services.common.messages.envelope import Incoming, InvalidError, run_header


def check_run(incoming: Incoming, run_id: int) -> None:
    """Raises InvalidError where header and content name different runs: a replay goes by the
    header. A message without the header is let pass."""
    header = dict(incoming.headers).get("run_id")
    if run_id < 0:
        raise InvalidError(f"run {run_id} is impossible")
    if header is not None and header != run_header(run_id)[1]:
        raise InvalidError(f"it is of run {run_id}, its header says {header!r}")


def check_site(site_id: int, domain: str) -> None:
    """Raises InvalidError for a site that no list can have brought."""
    if site_id < 0:
        raise InvalidError(f"site {site_id} is impossible")
    try:
        normal = normalise(domain)
    except BadNameError as error:
        raise InvalidError(f"domain {domain!r}: {error}") from error
    if normal != domain:
        raise InvalidError(f"domain {domain!r}: it is not in its normal form")
