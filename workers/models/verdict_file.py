"""Verdicts on published models in files of this machine, for processes that share no Redis.

Without them `retinoscope run` would test its model at every call, which takes seconds.
"""

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import NamedTemporaryFile

from workers.models.acceptance import Verdict
from workers.toolkit.network.optimizations import Optimizations


def read_verdict(name: str, weights: str, runtime: str) -> Verdict | None:
    """Return the verdict on these weights with this software, or None if no file has it."""
    try:
        stored = json.loads(_file(name, weights, runtime).read_text("utf-8"))
        return Verdict(Optimizations(**stored["optimizations"]), dict(stored["unlisted"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_verdict(name: str, weights: str, runtime: str, verdict: Verdict) -> None:
    """Write a verdict, whole or not at all. A folder that cannot be written is no failure."""
    file = _file(name, weights, runtime)
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=file.parent, encoding="utf-8", delete=False) as new:
            json.dump(asdict(verdict), new)
        Path(new.name).replace(file)


def _file(name: str, weights: str, runtime: str) -> Path:
    digest = hashlib.sha256(f"{name}\n{weights}\n{runtime}".encode()).hexdigest()
    return _folder() / "verdicts" / f"{digest}.json"


def _folder() -> Path:
    """Return RETINOSCOPE_CACHE, or the folder of the XDG base directory specification."""
    own = os.environ.get("RETINOSCOPE_CACHE")
    shared = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(own) if own else Path(shared).expanduser() / "retinoscope"
