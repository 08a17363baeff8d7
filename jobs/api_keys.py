"""API keys: random, stored as hashes in a JSON file, each with its owner."""

import hashlib
import hmac
import json
import os
import secrets
import time
from pathlib import Path

from pydantic import BaseModel

LOCAL_OWNER = "local"
_MARK = "rsk_"


class Key(BaseModel):
    """What is stored of a key. `id` is its first characters, enough to tell keys apart, not to use one."""

    id: str
    owner: str
    hash: str
    created_s: int


class KeyFile(BaseModel):
    keys: list[Key] = []


class KeyRing:
    """The keys of a file, read again when it changes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int] | None = None
        self._file = KeyFile()

    @property
    def configured(self) -> bool:
        """True once there is a file, even one whose keys were all revoked."""
        return self.path.exists()

    def owner(self, secret: str) -> str | None:
        """Whose key this is, or None."""
        wanted = _hash(secret)
        owners = [key.owner for key in self.all() if hmac.compare_digest(key.hash, wanted)]
        return owners[0] if owners else None

    def all(self) -> list[Key]:
        if not self.configured:
            return []
        facts = self.path.stat()
        if (facts.st_mtime_ns, facts.st_size) != self._seen:
            self._file = KeyFile.model_validate_json(self.path.read_text())
            self._seen = (facts.st_mtime_ns, facts.st_size)
        return self._file.keys

    def create(self, owner: str) -> str:
        """Make a key for that owner; the returned secret is shown once and cannot be read again."""
        secret = _MARK + secrets.token_urlsafe(32)
        key = Key(id=secret[:12], owner=owner, hash=_hash(secret), created_s=int(time.time()))
        self._write([*self.all(), key])
        return secret

    def revoke(self, key_id: str) -> bool:
        """Forget the key of that id. False if there is none."""
        kept = [key for key in self.all() if key.id != key_id]
        found = len(kept) < len(self.all())
        if found:
            self._write(kept)
        return found

    def _write(self, keys: list[Key]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(KeyFile(keys=keys).model_dump(), file, indent=1)
        fresh.replace(self.path)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
