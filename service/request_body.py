"""The body of a request, sent as a form or as JSON: the same fields and inputs either way."""

import base64
import json
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from catalog.errors import Violation
from service.problems import Problem
from service.uploads.streaming import media_type

_MAX_FILES = 16
_MAX_FIELDS = 100
_MAX_JSON_MARKS = 10_000
_SMALL_BODY = 20_000
_TAIL = 256


@dataclass
class RequestBody:
    """What a body holds: fields and inputs by name.

    An input is the bytes of a file, or the `sha256:…` id of a file that is stored.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, bytes | str] = field(default_factory=dict)


async def read_body(request: Request, input_names: set[str]) -> RequestBody:
    """Read a form or JSON. Raises Problem."""
    kind = media_type(request)
    if kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
        return await _read_form(request, input_names)
    if kind in ("application/json", "") or kind.endswith("+json"):
        body = await request.body()
        # For a small body a thread would cost more than the parsing.
        if len(body) <= _SMALL_BODY:
            return _read_json(body, input_names)
        return await run_in_threadpool(_read_json, body, input_names)
    raise Problem(
        "unsupported_media_type", "Send multipart/form-data (curl -F …) or application/json."
    )


def decode_data_url(name: str, text: str) -> bytes:
    """Return the bytes of `data:image/png;base64,…`. Raises Problem."""
    head, _, body = text.partition(",")
    if not head.endswith(";base64"):
        raise _invalid(name, "A data: URL must be base64: data:image/png;base64,…")
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:
        raise _invalid(name, "The base64 text of the data: URL is damaged.") from None


async def _read_form(request: Request, input_names: set[str]) -> RequestBody:
    body = RequestBody()
    form = await _parse_form(request)
    try:
        for name, value in form.multi_items():
            if name in body.inputs or name in body.fields:
                raise _sent_twice(name, input_names)
            if isinstance(value, UploadFile):
                body.inputs[name] = await value.read()
            elif name in input_names:
                body.inputs[name] = _input_text(name, value)
            else:
                body.fields[name] = value
    finally:
        await form.close()
    return body


def _sent_twice(name: str, input_names: set[str]) -> Problem:
    second = f"{name}_2"
    advice = f"Send the second one as {second}." if second in input_names else "Send it once."
    return _invalid(name, f"{name} was sent twice. {advice}")


async def _parse_form(request: Request) -> FormData:
    try:
        if not request.headers["content-type"].lower().startswith("multipart/"):
            return await request.form(max_fields=_MAX_FIELDS)
        stream = _TailedStream(request.stream())
        parser = MultiPartParser(
            request.headers, stream.chunks(), max_files=_MAX_FILES, max_fields=_MAX_FIELDS
        )
        form = await parser.parse()
    except (HTTPException, MultiPartException, ValueError, KeyError) as error:
        raise Problem(
            "invalid_request",
            "The form cannot be parsed. With curl, use -F image=@photo.jpg and -F name=value.",
        ) from error
    if not _ends_with_boundary(stream.tail):
        raise Problem(
            "invalid_request", "The form has no closing boundary. Was the upload cut off?"
        )
    return form


def _ends_with_boundary(tail: bytes) -> bool:
    """Return whether the last line is a closing boundary."""
    last = tail.rstrip().rpartition(b"\n")[2]
    return last.startswith(b"--") and last.endswith(b"--")


class _TailedStream:
    """A stream that keeps its last bytes.

    The parser accepts a form without a closing boundary, so the end must be checked separately.
    """

    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self.tail = b""
        self._stream = stream

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        async for chunk in self._stream:
            self.tail = (self.tail + chunk)[-_TAIL:]
            yield chunk


def _read_json(body: bytes, input_names: set[str]) -> RequestBody:
    # Images are long texts without brackets and commas. Millions of these would only cost time
    # and memory.
    if body.count(b"[") + body.count(b"{") + body.count(b",") > _MAX_JSON_MARKS:
        raise Problem(
            "invalid_request", "The JSON has too many elements. Parameters form a flat object."
        )
    try:
        data = json.loads(body or b"{}", parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise Problem("invalid_request", f"The body is not JSON: {reason}.") from None
    if not isinstance(data, dict):
        raise Problem("invalid_request", "The body must be a JSON object of parameters.")
    parsed = RequestBody()
    for name, value in data.items():
        if name in input_names:
            parsed.inputs[name] = _input_text(name, value)
        else:
            parsed.fields[name] = value
    return parsed


def _input_text(name: str, text: Any) -> bytes | str:
    """Return the bytes of a `data:` URL, or the id of a stored file."""
    if not isinstance(text, str):
        raise _invalid(
            name, f"{name} must be a string: the sha256:… id of a stored file, or a data: URL."
        )
    scheme = text.partition(":")[0].lower()
    if scheme == "data":
        return decode_data_url(name, text)
    if scheme in ("https", "http"):
        detail = "This server does not download images. Upload the file with POST /v1/images."
        raise Problem("image_url_not_allowed", detail, [Violation(f"/{name}", detail)])
    return text


def _invalid(name: str, message: str) -> Problem:
    return Problem("invalid_parameters", message, [Violation(f"/{name}", message)])


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
