"""The reference data that ships with this version of the software."""

from functools import cache

from services.common.reference.addresses import Addresses
from services.common.reference.bundle import VERSION, Reference
from services.common.reference.providers import Providers
from services.common.reference.suffixes import public_suffixes

NAMES = ("public", "world")


@cache
def load(name: str) -> Reference:
    """`public`, or `world`: the bundled world's, where `test` (RFC 6761) is a suffix and the
    documentation ranges are reachable. Raises ValueError for any other name."""
    if name not in NAMES:
        raise ValueError(f"there is no reference data {name!r}: it is one of {', '.join(NAMES)}")
    in_world = name == "world"
    public_suffix = public_suffixes(frozenset({"test"} if in_world else ()))
    return Reference(
        version=VERSION,
        name=name,
        public_suffix=public_suffix,
        is_public=Addresses(documentation=in_world).is_public,
        providers=Providers(public_suffix),
    )
