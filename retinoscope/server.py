"""A running server, as `submit` and `jobs` call it with the client."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retinoscope.errors import StackError
from retinoscope.wording import with_options

try:
    from retinoscope_client import APIError, Client, ConnectionFailed, Result, RetinoscopeError
except ImportError:
    raise StackError("The client is not installed. Install it: pip install ./client") from None

_PROGRAM_STOPPED = 130


@contextmanager
def calling(url: str | None, key: str | None) -> Iterator[Client]:
    """Return a client of the server, and word its errors for the command line.

    Raises StackError.
    """
    try:
        with Client(url, key) as client:
            yield client
    except ConnectionFailed as error:
        reason = str(error).partition(" Is the server")[0]
        advice = "Start one with `retinoscope serve`, or name one with --url or RETINOSCOPE_URL."
        raise StackError(f"{reason} {advice}") from None
    except APIError as error:
        raise StackError(_advice(error)) from None
    except RetinoscopeError as error:
        raise StackError(str(error)) from None
    except KeyboardInterrupt:
        print("\nStopped waiting. What was submitted goes on: `retinoscope jobs`.", file=sys.stderr)
        sys.exit(_PROGRAM_STOPPED)


def save(result: Result, folder: Path) -> None:
    """Write the files of a result and `result.json`, and print their paths."""
    kept = ("technique", "params", "provenance")
    facts = {name: result.job[name] for name in kept} | {"summary": result.summary}
    paths = result.save(folder)
    folder.mkdir(parents=True, exist_ok=True)
    summary = folder / "result.json"
    summary.write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")
    print(*paths, summary, sep="\n")


def _advice(error: APIError) -> str:
    """Return what the server said, in words of the command line."""
    if error.status == 401:
        return (
            "The server needs a key: set RETINOSCOPE_KEY, or add --key. "
            "`retinoscope keys create NAME` makes one where the server runs."
        )
    if error.code == "job_not_found":
        advice = "It has expired, or belongs to another key. `retinoscope jobs` lists yours."
        return f"There is no such job. {advice}"
    return with_options(error.detail, [each["pointer"] for each in error.errors])
