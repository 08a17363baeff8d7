"""The body of a request, sent as a form or as JSON: the same fields and inputs either way."""

import base64
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from catalog.errors import Violation, shown
from service.labels import read_labels
from service.problems import Problem
from service.request_text import (
    charset_of,
    check_characters,
    decode_text,
    parse_pairs,
    unquote_text,
)
from service.uploads.form_parser import UNREADABLE, FormLimits, FormParser
from service.uploads.streaming import media_type
from service.uploads.upload import Upload

_LIMITS = FormLimits(files=16, texts=100)
_MAX_JSON_MARKS = 10_000
_SMALL_BODY = 20_000
_ACCEPTED = "Send multipart/form-data (curl -F …) or application/json."
_LINE_ENDS = str.maketrans("", "", "\r\n")


@dataclass
class RequestBody:
    """What a body holds: fields and inputs by name.

    An input is the bytes of a file, the `sha256:…` id of a file that is stored, or the `https:`
    address of an image.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, bytes | str] = field(default_factory=dict)


async def read_body(
    request: Request, input_names: Collection[str], field_names: Collection[str]
) -> RequestBody:
    """Read a form or JSON. Raises Problem.

    An empty text in a form is as if absent if its name is among the inputs or fields: a browser
    sends every field of a form, also those that were left empty. In JSON null is an absent input.
    Where `labels` are a field, a form sends each as `label=key=value`.
    """
    kind = media_type(request)
    if kind == "multipart/form-data":
        texts, files = await _read_multipart(request, input_names)
        size = sum(len(text) for _, text in texts)
        return await _read(size, lambda: _from_form(texts, files, input_names, field_names))
    if kind == "application/x-www-form-urlencoded":
        body = await read_whole(request)
        charset = charset_of(request) or "utf-8"
        return await _read(
            len(body),
            lambda: _from_form(_parse_form(body, charset), [], input_names, field_names),
        )
    if kind in ("application/json", "") or kind.endswith("+json"):
        body = await read_whole(request)
        return await _read(len(body), lambda: _read_json(request, body, input_names))
    raise Problem("unsupported_media_type", _ACCEPTED)


async def read_whole(request: Request) -> bytes:
    """Return the bytes of a body, which the request does not keep."""
    return b"".join([chunk async for chunk in request.stream()])


async def _read(size: int, parse: Callable[[], RequestBody]) -> RequestBody:
    """Parse a body of that size, a large one in a thread.

    For a small one a thread would cost more than the parsing.
    """
    return parse() if size <= _SMALL_BODY else await run_in_threadpool(parse)


def decode_data_url(name: str, text: str) -> bytes:
    """Return the bytes of `data:image/png;base64,…`, also with line breaks. Raises Problem."""
    head, _, body = text.partition(",")
    if not head.lower().endswith(";base64"):
        raise _invalid(name, "A data: URL must be base64: data:image/png;base64,…")
    try:
        body = unquote_text(body).translate(_LINE_ENDS).strip()
    except ValueError as error:
        raise _invalid(name, f"The data: URL has {error}. Send the file itself.") from None
    if " " in body:
        # Decoders that skip spaces would turn the image into another one without a word.
        raise _invalid(
            name, "The base64 text of the data: URL has spaces. In a form, write + as %2B."
        )
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:
        raise _invalid(name, "The base64 text of the data: URL is damaged.") from None


async def _read_multipart(
    request: Request, input_names: Collection[str]
) -> tuple[list[tuple[str, str]], list[tuple[str, bytes]]]:
    """Return the texts and the files of a form, each with the name of its field."""
    upload = Upload(BytesIO())
    form = FormParser(request, upload, _LIMITS, input_names)
    async for chunk in request.stream():
        form.write(chunk)
    form.finish()
    return upload.texts, [(file.field, file.read(upload.file)) for file in upload.files]


def _from_form(
    texts: list[tuple[str, str]],
    files: list[tuple[str, bytes]],
    input_names: Collection[str],
    field_names: Collection[str],
) -> RequestBody:
    body = RequestBody()
    for name, data in files:
        _check_new(name, body, input_names)
        body.inputs[name] = data
    labels = [text for name, text in texts if name == "label" and "labels" in field_names]
    if labels:
        body.fields["labels"] = read_labels(text for text in labels if text)
        texts = [(name, text) for name, text in texts if name != "label"]
    for name, text in texts:
        if not text and (name in input_names or name in field_names):
            continue
        _check_new(name, body, input_names)
        if name in input_names:
            body.inputs[name] = _input_text(name, text)
        else:
            body.fields[name] = text
    return body


def _check_new(name: str, body: RequestBody, input_names: Collection[str]) -> None:
    """Refuse a name that was sent before. Raises Problem."""
    if name not in body.inputs and name not in body.fields:
        return
    second = f"{name}_2"
    advice = f"Send the second one as {second}." if second in input_names else "Send it once."
    raise _invalid(name, f"{shown(name)} was sent twice. {advice}")


def _parse_form(body: bytes, charset: str) -> list[tuple[str, str]]:
    """Return names and values of `name=value&name=value`. Raises Problem."""
    if body.lstrip().startswith((b"{", b"[")):
        raise Problem(
            "invalid_request",
            "The body looks like JSON, but its Content-Type is that of a form. With curl, use "
            "--json, or -H 'Content-Type: application/json', and a form is sent with -F.",
        )
    try:
        return parse_pairs(body, charset, _LIMITS.texts)
    except (ValueError, LookupError) as error:
        raise Problem("invalid_request", UNREADABLE) from error


def _read_json(request: Request, body: bytes, input_names: Collection[str]) -> RequestBody:
    # Images are long texts without brackets and commas. Millions of these would only cost time
    # and memory.
    if body.count(b"[") + body.count(b"{") + body.count(b",") > _MAX_JSON_MARKS:
        raise Problem(
            "invalid_request", "The JSON has too many elements. Parameters form a flat object."
        )
    data = parse_json(request, body)
    if not isinstance(data, dict):
        raise Problem("invalid_request", "The body must be a JSON object of parameters.")
    check_characters(data)
    parsed = RequestBody()
    for name, value in data.items():
        if name not in input_names:
            parsed.fields[name] = value
        elif value is not None:
            parsed.inputs[name] = _input_text(name, value)
    return parsed


def parse_json(request: Request, body: bytes) -> Any:
    """Return the value of a JSON body; that of an empty one is an empty object. Raises Problem."""
    charset = charset_of(request)
    try:
        # JSON is UTF-8 (RFC 8259), which the parser reads with a byte order mark, too.
        text = decode_text(body, charset) if charset and not charset.startswith("utf") else body
        return json.loads(text or b"{}", parse_constant=_refuse_constant)
    except (ValueError, LookupError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        if not media_type(request):
            raise Problem(
                "unsupported_media_type",
                f"The body has no Content-Type and is not JSON: {reason}. {_ACCEPTED}",
            ) from None
        raise Problem("invalid_request", f"The body is not JSON: {reason}.") from None


def _input_text(name: str, text: Any) -> bytes | str:
    """Return the bytes of a `data:` URL, or the text: an id or an address."""
    if not isinstance(text, str):
        raise _invalid(
            name,
            f"{name} must be a string: the sha256:… id of a stored file, or a data: or https: URL.",
        )
    if text.partition(":")[0].lower() == "data":
        return decode_data_url(name, text)
    return text


def _invalid(name: str, message: str) -> Problem:
    return Problem("invalid_parameters", message, [Violation(f"/{name}", message)])


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
