"""The headers of one part of a form: which field it is, and how its bytes are meant (RFC 7578)."""

from collections.abc import Mapping
from dataclasses import dataclass

from python_multipart.multipart import parse_options_header

from service.problems import Problem
from service.request_text import decode_text

# What the headers of a part may say about its bytes: that they are sent as they are.
_AS_THEY_ARE = ("", "7bit", "8bit", "binary", "identity")
_MOST_SHOWN = 80


@dataclass(frozen=True)
class PartHeader:
    """The field of a part, its file name, and its charset if it is a text.

    The name is None if the part is no file, and empty if no file was chosen.
    """

    field: str
    file_name: str | None
    charset: str

    def text(self, data: bytes) -> str:
        """Return the text of a part. Raises Problem."""
        try:
            return decode_text(data, self.charset)
        except (UnicodeDecodeError, LookupError):
            raise Problem(
                "invalid_request",
                f"The form field {self.field[:_MOST_SHOWN]!r} is not {self.charset[:20]} text. "
                "Send texts as UTF-8, and files with a file name, as curl -F name=@file does.",
            ) from None


def read_part_header(headers: Mapping[bytes, bytes]) -> PartHeader:
    """Return what the headers of a part say; their names are in lower case.

    Raises ValueError if the part has no name, and Problem if its bytes are encoded.
    """
    disposition = headers.get(b"content-disposition", b"")
    _, options = parse_options_header(disposition)
    if b"name" not in options:
        raise ValueError("a part without a name")
    field = options[b"name"].decode(errors="replace")
    kind, type_options = parse_options_header(headers.get(b"content-type"))
    _check_encoding(field, kind, headers)
    charset = type_options.get(b"charset", b"utf-8").decode("latin-1")
    return PartHeader(field, _file_name(disposition, options), charset)


def _file_name(disposition: bytes, options: Mapping[bytes, bytes]) -> str | None:
    if b"filename" in options:
        return options[b"filename"].decode(errors="replace")
    # Some clients write a name that is not ASCII only in this form, which RFC 7578 forbids.
    return "file" if b"filename*" in disposition.lower() else None


def _check_encoding(field: str, kind: bytes, headers: Mapping[bytes, bytes]) -> None:
    if kind.startswith(b"multipart/"):
        raise Problem(
            "invalid_request",
            f"The form field {field[:_MOST_SHOWN]!r} holds several parts of its own "
            f"({kind.decode('latin-1')[:_MOST_SHOWN]}). Send each file as a field of its own.",
        )
    for name in (b"content-transfer-encoding", b"content-encoding"):
        encoding = headers.get(name, b"").strip().lower().decode("latin-1")
        if encoding not in _AS_THEY_ARE:
            raise Problem(
                "invalid_request",
                f"The form field {field[:_MOST_SHOWN]!r} is sent with the encoding "
                f"{encoding[:20]!r}. Send its bytes as they are.",
            )
