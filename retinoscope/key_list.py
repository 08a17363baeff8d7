"""What the key file says, in lines: `retinoscope keys list` and `retinoscope keys check`."""

from collections.abc import Iterator
from datetime import UTC, datetime

from jobs.api_keys import Key, KeyFile, KeyRing
from jobs.owner_limits import OwnerLimits

_HEADS = ("key", "owner", "created", "weight", *list(OwnerLimits.model_fields)[1:])


def key_lines(ring: KeyRing) -> list[str]:
    """Return a line for each key, with the limits of its owner. Raises KeysUnreadable."""
    keys = ring.all()
    if not keys:
        return []
    rows = [_HEADS, *(_row(key, ring.limits(key.owner)) for key in keys)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def key_problems(ring: KeyRing) -> list[str]:
    """Return a sentence for whatever has no effect in the file. Raises KeysUnreadable."""
    file = ring.read()
    return list(_problems(file)) if file else [f"There is no file {ring.path.name}."]


def _row(key: Key, limits: OwnerLimits) -> tuple[str, ...]:
    created = datetime.fromtimestamp(key.created_s, UTC).strftime("%Y-%m-%d")
    shown = [f"{value:g}" if value is not None else "-" for value in dict(limits).values()]
    return f"{key.id}…", key.owner, created, *shown


def _problems(file: KeyFile) -> Iterator[str]:
    owners = {key.owner for key in file.keys}
    for owner, entry in file.owners.items():
        if owner not in owners:
            yield f"owners.{owner}: no key has this owner, so the entry limits nothing."
        for name in entry.model_extra or ():
            known = ", ".join(OwnerLimits.model_fields)
            yield f"owners.{owner}.{name}: not a limit. Those are {known}."
    if not file.keys and not file.open:
        yield "There is no key, so that nobody is let in."
