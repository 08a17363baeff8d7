"""The texts of a request: which charsets are decoded, and that every character is whole.

Python knows more charsets than the web does. Decoding some of them takes time that grows with the
square of the length (`punycode`), others make halves of characters (`utf-7`), and every unknown
name that is looked up stays in memory.
"""

import re
from collections.abc import Iterator, Mapping
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl, unquote

from fastapi import Request

from catalog.errors import Violation, shown
from service.problems import Problem

# Those of https://encoding.spec.whatwg.org that Python knows, and UTF-32.
_CHARSETS = re.compile(
    r"utf-?8|utf-?(16|32)(-?[lb]e)?|(us-)?ascii|latin-?1|iso-?8859-(1[013-6]?|[2-9])|cp125[0-8]|"
    r"windows-(125[0-8]|874)|koi8-[ru]|macintosh|gbk|gb2312|gb18030|big5|euc-(jp|kr)|shift_jis"
)
_MOST_SHOWN = 40
# Escapes such as %2B. Each takes some hundred bytes of memory until it is decoded. The base64 text
# of the largest image has a million of them.
_MOST_ESCAPES = 1_500_000


def charset_of(request: Request) -> str:
    """Return the charset that the Content-Type declares in lower case, or an empty text."""
    header = Message()
    header["content-type"] = request.headers.get("content-type", "")
    return str(header.get_param("charset", "")).lower()


def decode_text(data: bytes, charset: str) -> str:
    """Return the text of bytes in a charset of the web. Raises ValueError or LookupError."""
    if not _CHARSETS.fullmatch(charset.strip().lower()):
        raise LookupError(f"unknown charset {shown(charset, _MOST_SHOWN)!r}")
    return data.decode(charset.strip())


def check_characters(fields: Mapping[str, Any]) -> None:
    """Refuse texts of JSON, at any depth, that are not Unicode. Raises Problem.

    JSON can write half of a character, such as `"\\ud83d"`. It cannot be sent to Redis or back.
    """
    for name, value in fields.items():
        for text in _texts([name, value]):
            if not _is_whole(text):
                message = (
                    f"The text {shown(text)!r} has half of a character (a surrogate without its "
                    "pair). Send whole characters."
                )
                pointer = name.encode("ascii", "backslashreplace").decode()
                raise Problem("invalid_parameters", message, [Violation(f"/{pointer}", message)])


def _texts(node: Any) -> Iterator[str]:
    waiting = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            waiting += item


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def unquote_text(text: str) -> str:
    """Return a text without its escapes, such as `%2B`. Raises ValueError if there are too many."""
    _check_escapes(text)
    return unquote(text)


def parse_pairs(data: bytes, charset: str, most: int) -> list[tuple[str, str]]:
    """Return names and values of `name=value&name=value`. Raises ValueError or LookupError.

    At most `most` pairs are accepted.
    """
    text = decode_text(data, charset)
    _check_escapes(text)
    return parse_qsl(
        text, keep_blank_values=True, encoding=charset, errors="strict", max_num_fields=most
    )


def _check_escapes(text: str) -> None:
    if text.count("%") > _MOST_ESCAPES:
        raise ValueError(f"more than {_MOST_ESCAPES:,} escapes (%)")
