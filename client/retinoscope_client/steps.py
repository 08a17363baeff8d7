"""The steps of a call: what its flow asks for, and what a driver answers.

A flow is a generator that yields steps and returns the call's value. It holds all that is to be
known about a call and does no input or output, so that the drivers of `Client` and `AsyncClient`
are short and behave alike.
"""

import json
import math
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """Send this request. The driver answers with an Answer."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    # Whether the body of a response 200 is read by the line, with NextLine.
    stream: bool = False
    # Seconds within which the server begins to answer; by default those of the client.
    patience_s: float | None = None


@dataclass(frozen=True)
class Answer:
    """A response of the server, whatever its status; status 0 and the reason if none came."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    # Lines of a stream, for NextLine.
    lines: Any = None

    def json(self) -> Any:
        """Return the body as JSON; None if it is not."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True)
class Pause:
    """Wait for some seconds. The driver answers None."""

    seconds: float


@dataclass(frozen=True)
class NextLine:
    """Read a line of a stream. The driver answers None once it has ended or broken off."""

    lines: Any


# What a driver runs, and what a call is written as: there every request succeeds or raises.
Step = Request | Pause | NextLine
Flow = Generator[Step, Any, T]
# A driver's function: it returns the value of a flow, or something to await.
Call = Callable[[Flow[Any]], Any]


def post_json(path: str, content: Any, **headers: str) -> Request:
    """Return a request with a JSON body. Headers are written with `_` for `-`."""
    body = json.dumps(content, default=_plain).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("POST", path, body=body, headers={"Content-Type": "application/json"} | named)


def _plain(value: Any) -> Any:
    """Return a number of NumPy or PyTorch as one of Python's. Raises TypeError."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"A parameter cannot be a {type(value).__name__}: {value!r}.")


def listed(path: str, limit: int | None, query: Mapping[str, Any]) -> Flow[list[dict[str, Any]]]:
    """Return the items of a list, page after page, at most `limit`. Filters may be None."""
    items: list[dict[str, Any]] = []
    given = {name: value for name, value in query.items() if value is not None}
    while True:
        page = (yield Request("GET", path, given)).json()
        items += page["items"]
        before, given["cursor"] = given.get("cursor"), page.get("next_cursor")
        # A page may be empty and not the last one. The rows of a running batch have no last page,
        # but one that leads to itself.
        if given["cursor"] in (None, before) or len(items) >= (limit or math.inf):
            return items[:limit]
