"""Reads what a client sent, as a form (the `curl` way) or as JSON, into the same fields and images."""

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from service.problems import Problem

_MAX_FILES = 16
_MAX_FIELDS = 100


@dataclass
class Sent:
    """Fields by name; an image is bytes, or a reference `sha256:…` to one that is stored."""

    fields: dict[str, Any] = field(default_factory=dict)
    images: dict[str, bytes | str] = field(default_factory=dict)


async def read_request(request: Request, image_names: set[str]) -> Sent:
    """Raises Problem for a body that is neither form nor JSON."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type in ("multipart/form-data", "application/x-www-form-urlencoded"):
        return await _read_form(request, image_names)
    if media_type in ("application/json", "") or media_type.endswith("+json"):
        return _read_json(await request.body(), image_names)
    raise Problem("unsupported_media_type", "Send multipart/form-data (curl -F …) or application/json.")


def decode_data_url(text: str) -> bytes:
    """The bytes of `data:image/png;base64,…`. Raises Problem."""
    head, _, body = text.partition(",")
    if not head.endswith(";base64"):
        raise Problem("invalid_parameters", "A data: URL must be base64: data:image/png;base64,…")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise Problem("invalid_parameters", "The base64 text of the data: URL is damaged.") from None


async def _read_form(request: Request, image_names: set[str]) -> Sent:
    sent = Sent()
    try:
        async with request.form(max_files=_MAX_FILES, max_fields=_MAX_FIELDS) as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    sent.images[name] = await value.read()
                elif name in image_names:
                    sent.images[name] = _image_text(value)
                else:
                    sent.fields[name] = value
    except (HTTPException, ValueError, KeyError) as error:
        raise Problem("invalid_request", "The form cannot be read. With curl, use -F name=value.") from error
    return sent


def _read_json(body: bytes, image_names: set[str]) -> Sent:
    try:
        data = json.loads(body or b"{}", parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Problem("invalid_request", f"The body is not JSON: {error}.") from None
    if not isinstance(data, dict):
        raise Problem("invalid_request", "The body must be a JSON object of parameters.")
    sent = Sent()
    for name, value in data.items():
        if name in image_names and isinstance(value, str):
            sent.images[name] = _image_text(value)
        else:
            sent.fields[name] = value
    return sent


def _image_text(text: str) -> bytes | str:
    if text.startswith("data:"):
        return decode_data_url(text)
    if text.startswith(("https:", "http:")):
        raise Problem("image_url_not_allowed", "This server does not fetch images. Upload it: POST /v1/images.")
    return text


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")
