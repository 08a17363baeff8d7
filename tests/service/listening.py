"""A client of server-sent events, written from the standard.

A stream is blocks of `field: value` lines; comments are kept apart.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Heard:
    kind: str
    id: str
    data: Any


@contextmanager
def listening(
    client: httpx.Client, job: dict[str, Any], last: str | None = None
) -> Iterator[Iterator[Heard]]:
    """Yield the events of a job as they arrive; close the stream at the end."""
    headers = {} if last is None else {"Last-Event-ID": last}
    with (
        unwatched(client) as plain,
        plain.stream("GET", job["urls"]["events"], headers=headers) as answer,
    ):
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        yield parsed(answer.iter_lines())


def unwatched(client: httpx.Client) -> httpx.Client:
    """Return the client without hooks, which would read a response completely first."""
    return httpx.Client(
        base_url=client.base_url, headers=client.headers, timeout=90, trust_env=False
    )


def heard(client: httpx.Client, job: dict[str, Any], last: str | None = None) -> list[Heard]:
    """Return everything until the server closes the stream."""
    with listening(client, job, last) as events:
        return list(events)


def parsed(lines: Iterator[str]) -> Iterator[Heard]:
    fields: dict[str, str] = {}
    for line in lines:
        if not line:
            if "data" in fields:
                yield Heard(fields["event"], fields.get("id", ""), json.loads(fields["data"]))
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            assert name in ("event", "id", "data", "retry") and name not in fields, line
            fields[name] = value


def gauge(client: httpx.Client, name: str) -> float:
    """Return one number of /metrics."""
    text = client.get("/metrics").text
    (value,) = [
        line.rpartition(" ")[2]
        for line in text.splitlines()
        if line.startswith(f"retinoscope_{name} ")
    ]
    return float(value)
