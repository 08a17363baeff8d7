"""Reads what a client sent, as a form (the `curl` way) or as JSON, into the same fields and images."""

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

_MAX_FILES = 16
_MAX_FIELDS = 100
_MAX_JSON_MARKS = 10_000
_SMALL_BODY = 20_000


@dataclass
class SentRequest:
    """Fields by name; an image is bytes, or a reference `sha256:…` to one that is stored."""

    fields: dict[str, Any] = field(default_factory=dict)
    images: dict[str, bytes | str] = field(default_factory=dict)


async def read_request(request: Request, image_names: set[str]) -> SentRequest:
    """Raises Problem for a body that is neither form nor JSON."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type in ("multipart/form-data", "application/x-www-form-urlencoded"):
        return await _read_form(request, image_names)
    if media_type in ("application/json", "") or media_type.endswith("+json"):
        body = await request.body()
        if len(body) <= _SMALL_BODY:  # a thread would cost more than the reading
            return _read_json(body, image_names)
        return await run_in_threadpool(_read_json, body, image_names)
    raise Problem(
        "unsupported_media_type", "Send multipart/form-data (curl -F …) or application/json."
    )


def decode_data_url(name: str, text: str) -> bytes:
    """The bytes of `data:image/png;base64,…`. Raises Problem."""
    head, _, body = text.partition(",")
    if not head.endswith(";base64"):
        raise _wrong(name, "A data: URL must be base64: data:image/png;base64,…")
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:
        raise _wrong(name, "The base64 text of the data: URL is damaged.") from None


async def _read_form(request: Request, image_names: set[str]) -> SentRequest:
    sent = SentRequest()
    form = await _parse_form(request)
    try:
        for name, value in form.multi_items():
            if name in sent.images or name in sent.fields:
                another = (
                    f" Send another one as {name}_2."
                    if f"{name}_2" in image_names
                    else " Send it once."
                )
                raise _wrong(name, f"{name} was sent twice.{another}")
            if isinstance(value, UploadFile):
                sent.images[name] = await value.read()
            elif name in image_names:
                sent.images[name] = _image_text(name, value)
            else:
                sent.fields[name] = value
    finally:
        await form.close()
    return sent


async def _parse_form(request: Request) -> FormData:
    try:
        if not request.headers["content-type"].lower().startswith("multipart/"):
            return await request.form(max_fields=_MAX_FIELDS)
        body = _Tailed(request.stream())
        parser = MultiPartParser(
            request.headers, body.chunks(), max_files=_MAX_FILES, max_fields=_MAX_FIELDS
        )
        form = await parser.parse()
    except (HTTPException, MultiPartException, ValueError, KeyError) as error:
        raise Problem(
            "invalid_request",
            "The form cannot be read. With curl, use -F image=@photo.jpg and -F name=value.",
        ) from error
    if not _closed(body.tail):
        raise Problem("invalid_request", "The form ends too early. Was the upload cut off?")
    return form


def _closed(tail: bytes) -> bool:
    """True if the last line is a boundary that closes."""
    last = tail.rstrip().rpartition(b"\n")[2]
    return last.startswith(b"--") and last.endswith(b"--")


class _Tailed:
    """A stream that remembers its end: the parser accepts a form whose last boundary never came."""

    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self.tail = b""
        self._stream = stream

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        async for chunk in self._stream:
            self.tail = (self.tail + chunk)[-256:]
            yield chunk


def _read_json(body: bytes, image_names: set[str]) -> SentRequest:
    # Images are long texts without brackets and commas; millions of these only cost time and memory.
    if body.count(b"[") + body.count(b"{") + body.count(b",") > _MAX_JSON_MARKS:
        raise Problem(
            "invalid_request", "The JSON has too many parts. Parameters are a flat object."
        )
    try:
        data = json.loads(body or b"{}", parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Problem("invalid_request", f"The body is not JSON: {error}.") from None
    if not isinstance(data, dict):
        raise Problem("invalid_request", "The body must be a JSON object of parameters.")
    sent = SentRequest()
    for name, value in data.items():
        if name in image_names:
            sent.images[name] = _image_text(name, value)
        else:
            sent.fields[name] = value
    return sent


def _image_text(name: str, text: Any) -> bytes | str:
    if not isinstance(text, str):
        raise _wrong(name, f"{name} must be a text: sha256:… of a stored image, or a data: URL.")
    scheme = text.partition(":")[0].lower()
    if scheme == "data":
        return decode_data_url(name, text)
    if scheme in ("https", "http"):
        detail = "This server does not fetch images. Upload it: POST /v1/images."
        raise Problem("image_url_not_allowed", detail, [Violation(f"/{name}", detail)])
    return text


def _wrong(name: str, message: str) -> Problem:
    return Problem("invalid_parameters", message, [Violation(f"/{name}", message)])


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
