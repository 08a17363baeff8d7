"""API keys: random secrets, stored as hashes in a JSON file, with owners and their limits."""

import hashlib
import hmac
import json
import logging
import os
import secrets
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from jobs.errors import KeysUnreadable
from jobs.owner_limits import DEFAULT_LIMITS, OwnerEntry, OwnerLimits

log = logging.getLogger(__name__)

LOCAL_OWNER = "local"
_PREFIX = "rsk_"
_ID_LENGTH = 12


class Key(BaseModel):
    """A key as it is stored. `id` is the start of the secret, too short to be used as a key.

    Fields of a later version are kept.
    """

    model_config = ConfigDict(extra="allow")

    id: str
    owner: str
    hash: str
    created_s: int


class KeyFile(BaseModel):
    """The content of the key file. What this version does not know is kept when it is written.

    `open` says that the keys were removed on purpose: requests need none.
    """

    model_config = ConfigDict(extra="allow")

    keys: list[Key] = []
    owners: dict[str, OwnerEntry] = {}
    open: bool = False


class KeyRing:
    """The keys of a file, which is read again whenever it changes.

    While the file cannot be read, such as one that is half written, what was read last holds. Every
    method raises KeysUnreadable if there is no such.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # Modification time and size of the file when it was last read.
        self._version: tuple[int, int] | None = None
        self._logged: tuple[int, int] | None = None
        self._file: KeyFile | None = None

    def read(self) -> KeyFile | None:
        """Return the content of the file, or None if there is no file."""
        version = None
        try:
            stat = self.path.stat()
            version = stat.st_mtime_ns, stat.st_size
            if version != self._version:
                self._file = KeyFile.model_validate_json(self.path.read_bytes())
                self._version = version
                self._tell_unknown(self._file)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            if version != self._logged:
                log.warning("%s cannot be read: %s", self.path, _reason(error))
                self._logged = version
            if self._file is None:
                raise KeysUnreadable(self.path.name) from None
        return self._file

    def owner(self, secret: str) -> str | None:
        """Return the owner of a secret, or None."""
        wanted = _hash(secret)
        owners = [key.owner for key in self.all() if hmac.compare_digest(key.hash, wanted)]
        return owners[0] if owners else None

    def all(self) -> list[Key]:
        """Return all keys."""
        file = self.read()
        return file.keys if file else []

    def limits(self, owner: str) -> OwnerLimits:
        """Return the limits of an owner; without an entry, those of the service."""
        file = self.read()
        entry = file.owners.get(owner) if file else None
        return entry.limits() if entry else DEFAULT_LIMITS

    def create(self, owner: str) -> str:
        """Make a key for an owner and return its secret, which cannot be read again."""
        secret = _PREFIX + secrets.token_urlsafe(32)
        key = Key(
            id=secret[:_ID_LENGTH], owner=owner, hash=_hash(secret), created_s=int(time.time())
        )
        self._write([*self.all(), key])
        return secret

    def revoke(self, key_id: str) -> bool:
        """Delete the key of that id. Return False if there is none."""
        kept = [key for key in self.all() if key.id != key_id]
        found = len(kept) < len(self.all())
        if found:
            self._write(kept)
        return found

    def remove_all(self) -> None:
        """Revoke every key, and let requests do without."""
        self._write([], is_open=True)

    def _tell_unknown(self, file: KeyFile) -> None:
        """Warn once of fields that limit nothing: one may be a limit that is spelled wrong."""
        unknown = [
            f"{owner}.{name}"
            for owner, entry in file.owners.items()
            for name in entry.model_extra or ()
        ]
        if unknown:
            log.warning("%s has unknown fields, which limit nothing: %s", self.path, unknown)

    def _write(self, keys: list[Key], *, is_open: bool = False) -> None:
        content = (self.read() or KeyFile()).model_copy(update={"keys": keys, "open": is_open})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(content.model_dump(exclude_unset=True), file, indent=1)
        new.replace(self.path)


def _reason(error: Exception) -> str:
    """Return what is wrong with the file, without anything that stands in it."""
    if not isinstance(error, ValidationError):
        return type(error).__name__
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
