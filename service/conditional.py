"""The Range header (RFC 9110, section 14), for one range of bytes."""

import re

from fastapi import Request

from service.problems import Problem

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """(start, end) of a file of that size, end excluded. None: not one range of bytes, send the whole file.

    Raises Problem `range_not_satisfiable` for a range that lies outside.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        start, end = max(0, size - int(match[2])), size
    else:
        start, end = int(match[1]), min(int(match[2] or size) + 1, size)
    if match[2] and match[1] and int(match[2]) < int(match[1]):
        return None
    if start >= end:
        raise Problem(
            "range_not_satisfiable",
            f"The file has {size} bytes.",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return start, end


def client_has(request: Request, etag: str) -> bool:
    """True if the header names this entity tag, or any by `*`."""
    named = [
        tag.strip().removeprefix("W/")
        for tag in request.headers.get("if-none-match", "").split(",")
    ]
    return etag in named or "*" in named
