"""The three owners of a run, and their keys."""

from pathlib import Path

from jobs.api_keys import KeyRing

OWNERS = ("ada", "bob", "eve")


def write_keys(file: Path) -> dict[str, str]:
    """Write a key file with a key for each owner. Return the secrets by owner."""
    ring = KeyRing(file)
    return {owner: ring.create(owner) for owner in OWNERS}


def headers(keys: dict[str, str], owner: str) -> dict[str, str]:
    """Return the headers of a request of that owner. A run without keys has no owners."""
    return {"X-API-Key": keys[owner]} if keys else {}
