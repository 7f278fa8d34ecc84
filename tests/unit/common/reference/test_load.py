"""The reference data as a whole."""

import hashlib
from importlib.metadata import version
from importlib.resources import files

import pytest

from services.common.reference.bundle import VERSION
from services.common.reference.load import load

DIGESTS = {
    1: "2f9dffe0bbc42be4",
}
"""Digest of all reference data by version: published grades name the version."""


def _digest() -> str:
    whole = hashlib.sha256(version("publicsuffixlist").encode())
    folder = files("services.common.reference")
    tables = (entry for entry in folder.iterdir() if entry.name.endswith(".csv"))
    for table in sorted(tables, key=lambda entry: entry.name):
        whole.update(table.read_bytes())
    return whole.hexdigest()[:16]


def test_changed_data_has_a_new_version() -> None:
    assert DIGESTS.get(VERSION) == _digest(), "raise VERSION and add the digest of the new data"


def test_the_world_differs_from_the_public_internet() -> None:
    public, world = load("public"), load("world")
    assert (public.name, world.name) == ("public", "world")
    assert public.version == world.version == VERSION
    assert not public.is_public("192.0.2.1")
    assert world.is_public("192.0.2.1")
    assert public.public_suffix("a.test") == ""
    assert world.public_suffix("a.test") == "test"
    assert world.providers.mail("shop.a.test", ["mx.a.test"]) == "Self-hosted"


def test_loading_twice_gives_the_same_value() -> None:
    assert load("public") is load("public")


def test_an_unknown_name_is_refused_with_the_names_that_are_known() -> None:
    with pytest.raises(ValueError, match="no reference data 'moon': it is one of public, world"):
        load("moon")
