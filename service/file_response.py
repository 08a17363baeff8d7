"""The response with a file of a job: the whole or a range, unless the client has it."""

from dataclasses import dataclass
from itertools import chain
from typing import Any

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from catalog.registry import techniques
from jobs.artifacts import ArtifactStore
from service.conditional import not_modified, requested_range

_BYTES: dict[str, Any] = {"type": "string", "format": "binary"}
# Clients that are generated take one of the media types for all: of JSON, as of any, they must
# expect bytes. A curve is an object, patches are a list.
_JSON: dict[str, Any] = {"anyOf": [_BYTES, {"type": "object"}, {"type": "array", "items": {}}]}
_MADE = {spec.media_type for technique in techniques().values() for spec in technique.artifacts}
_BINARY: dict[str, Any] = {
    media_type: {"schema": _JSON if media_type == "application/json" else _BYTES}
    for media_type in ("application/octet-stream", *sorted(_MADE))
}
FILE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The bytes, with the artifact's own media type", "content": _BINARY},
    206: {"description": "The requested range of bytes", "content": _BINARY},
    304: {"description": "The client has the current bytes"},
}
FILE_HEADERS = {
    "Cache-Control": "private, immutable, max-age=86400",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class ServedFile:
    """Bytes of one file in the object store, under a name of their own.

    `identity` is the text of the ETag: other bytes have another one.
    """

    name: str
    media_type: str
    identity: str
    key: str
    start: int
    bytes: int


def file_response(request: Request, files: ArtifactStore, file: ServedFile) -> Response:
    """Return the bytes that the request asks for.

    The first ones are read before the status is sent, since the file may have been deleted. Raises
    NotFound if it was, Problem for a range that is not in the file, or an error of the store.
    """
    headers = _headers(file)
    unchanged = not_modified(request, headers)
    if unchanged is not None:
        return unchanged
    part = requested_range(request, headers["ETag"], file.bytes)
    start, end = part or (0, file.bytes)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.bytes}"
    headers["Content-Length"] = str(end - start)
    chunks = files.chunks(file.key, file.start + start, file.start + end)
    first = next(chunks, b"")
    status = 200 if part is None else 206
    return StreamingResponse(chain([first], chunks), status, headers, file.media_type)


def _headers(file: ServedFile) -> dict[str, str]:
    disposition = "inline" if file.media_type.startswith("image/") else "attachment"
    return FILE_HEADERS | {
        "ETag": f'"{file.identity}"',
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'{disposition}; filename="{file.name}"',
    }
