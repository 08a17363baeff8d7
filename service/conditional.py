"""Conditional and partial responses (RFC 9110, sections 13 and 14)."""

import re

from fastapi import Request, Response

from service.problems import Problem

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def not_modified(request: Request, headers: dict[str, str]) -> Response | None:
    """Return the response 304 if the client has the entity of the `ETag` among these headers.

    The header If-None-Match names the entities that the client has, or any by `*`.
    """
    tags = [
        tag.strip().removeprefix("W/")
        for tag in request.headers.get("if-none-match", "").split(",")
    ]
    if headers["ETag"] in tags or "*" in tags:
        return Response(status_code=304, headers=headers)
    return None


def requested_range(request: Request, etag: str, size: int) -> tuple[int, int] | None:
    """Return (start, end), end excluded, of the one range that the client asks for.

    None means the whole file: no range was asked for, or If-Range names another entity, or the
    header Range is not one range of bytes. Raises Problem for a range outside the file.
    """
    header = request.headers.get("range")
    if header is None or request.headers.get("if-range", etag) != etag:
        return None
    return _parse_range(header, size)


def _parse_range(header: str, size: int) -> tuple[int, int] | None:
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
