"""What this release makes of a source."""

from services.common.reference.bundle import Reference
from services.common.store.generations import Derivation
from services.processor.core.version import VERSION


def derivation(source: str, reference: Reference) -> Derivation:
    return Derivation(source, VERSION, reference.version, reference.name)
