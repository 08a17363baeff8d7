"""Images as texts: base64, a `data:` URL, the id of a stored image, or an address."""

import base64
from typing import Any

from service.inference.inference_request import refused
from service.problems import Problem
from service.request_body import decode_data_url
from service.request_text import check_characters

_LINE_ENDS = str.maketrans("", "", "\r\n")
_EXPECTED = "base64 of an image file, the sha256:… id of a stored image, or a data: or https: URL"


def image_of_text(where: str, text: Any) -> bytes | str:
    """Return the bytes of the image that a text holds, or the text that names it. Raises Problem.

    Names have a colon, which base64 does not have.
    """
    if not isinstance(text, str):
        raise refused(where, f"must be a text: {_EXPECTED}.")
    scheme, colon, _ = text.partition(":")
    if not colon:
        return image_of_base64(where, text)
    check_characters({where: text})
    if scheme.strip().lower() != "data":
        return text
    try:
        return decode_data_url(where, text)
    except Problem as problem:
        raise refused(where, problem.detail) from None


def image_of_base64(where: str, text: Any) -> bytes:
    """Return the bytes of a text in base64, also with line breaks. Raises Problem."""
    if not isinstance(text, str):
        raise refused(where, "must be a text, the base64 of an image file.")
    try:
        return base64.b64decode(text.translate(_LINE_ENDS).strip(), validate=True)
    except ValueError:
        raise refused(
            where,
            f"the text is not base64 of the standard alphabet. Send {_EXPECTED}.",
        ) from None
