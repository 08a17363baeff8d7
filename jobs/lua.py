"""Steps that are atomic in Redis and belong to no job: `scripts/*.lua`, without the prelude of the transitions."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from redis import Redis
from redis.commands.core import Script


class Scripts:
    """Runs the scripts on one Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._scripts: dict[str, Script] = {}

    def __call__(self, name: str, keys: Sequence[str], *arguments: str | int) -> Any:
        """Run one script; returns what it returns."""
        if name not in self._scripts:
            text = (files("jobs") / "scripts" / f"{name}.lua").read_text()
            self._scripts[name] = self._redis.register_script(text)
        return self._scripts[name](keys=list(keys), args=list(arguments))
