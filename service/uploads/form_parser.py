"""A parser of forms (multipart/form-data) that writes their files to one file as they arrive."""

from collections.abc import Collection
from dataclasses import dataclass

from fastapi import Request
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from service.problems import Problem
from service.uploads.part_header import PartHeader, read_part_header
from service.uploads.upload import Upload, UploadedFile

UNREADABLE = "The form cannot be parsed. With curl, use -F image=@photo.jpg and -F name=value."
_CUT_OFF = "The form has no closing boundary. Was the upload cut off?"
_MAX_TEXT_BYTES = 1 << 20
_MAX_PREAMBLE_BYTES = 1 << 16
# A longer value is a file, or a data: URL.
_MAX_REFERENCE_BYTES = 4096
_URLS = (b"data:", b"http:", b"https:")


@dataclass(frozen=True)
class FormLimits:
    """How many files and texts a form may have."""

    files: int
    texts: int


class FormParser:
    """Fills an upload with the parts of a form.

    A part is a file if it has a file name. It is one without a name if its field is among
    `file_fields` and its bytes are not a text. A file field that was left empty, which browsers
    send with an empty name, is as if absent.
    """

    def __init__(
        self,
        request: Request,
        upload: Upload,
        limits: FormLimits,
        file_fields: Collection[str],
    ) -> None:
        """Read the boundary from the Content-Type. Raises Problem."""
        _, options = parse_options_header(request.headers.get("content-type"))
        boundary = options.get(b"boundary", b"")
        if not boundary:
            raise Problem("invalid_request", UNREADABLE)
        self._upload = upload
        self._limits = limits
        self._file_fields = file_fields
        self._ended = False
        self._headers: dict[bytes, bytes] = {}
        self._name, self._value = b"", b""
        self._part = PartHeader("", None, "")
        self._file: UploadedFile | None = None
        self._files = 0
        self._text, self._text_bytes = bytearray(), 0
        # The start of the form, until its first boundary has arrived.
        self._start: bytes | None = b""
        self._delimiter = b"--" + boundary
        self._parser = self._new_parser(boundary)

    def write(self, chunk: bytes) -> None:
        """Parse the next bytes of the body. Raises Problem."""
        try:
            chunk = self._without_preamble(chunk)
            if chunk and not self._ended:
                self._parser.write(chunk)
        except (FormParserError, ValueError) as error:
            raise Problem("invalid_request", UNREADABLE) from error

    def finish(self) -> None:
        """Check that the form is complete. What follows its end, an epilogue, is ignored.

        Raises Problem.
        """
        if self._start is not None:
            raise Problem("invalid_request", UNREADABLE)
        if not self._ended:
            raise Problem("invalid_request", _CUT_OFF)

    def _new_parser(self, boundary: bytes) -> MultipartParser:
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_end,
                    "on_part_data": self._data,
                    "on_part_end": self._part_end,
                    "on_end": self._end,
                },
            )
        except (FormParserError, ValueError) as error:
            raise Problem("invalid_request", UNREADABLE) from error

    def _without_preamble(self, chunk: bytes) -> bytes:
        """Return the bytes from the first boundary on (RFC 2046, section 5.1.1)."""
        if self._start is None:
            return chunk
        self._start += chunk
        if self._start.startswith(self._delimiter):
            found = 0
        else:
            found = self._start.find(b"\n" + self._delimiter) + 1
            if not found:
                if len(self._start) > _MAX_PREAMBLE_BYTES:
                    raise ValueError("no boundary")
                return b""
        form, self._start = self._start[found:], None
        return form

    def _begin(self) -> None:
        self._headers, self._file, self._text = {}, None, bytearray()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name, self._value = b"", b""

    def _headers_end(self) -> None:
        self._part = read_part_header(self._headers)
        if self._part.file_name is None and self._part.field not in self._file_fields:
            return
        # The name has no meaning but for people, and a part without a name gets that of its field.
        name = self._part.file_name or self._part.field
        self._file = UploadedFile(self._part.field, name, self._upload.file.tell())
        self._files += 1
        if self._files > self._limits.files:
            raise Problem(
                "too_many_files",
                f"A form may have {self._limits.files:,} files. Send several requests, or, to an "
                "image set, a zip file.",
            )

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._upload.file.write(memoryview(data)[start:end])
            self._file.length += end - start
            return
        self._text += data[start:end]
        self._text_bytes += end - start
        if self._text_bytes > _MAX_TEXT_BYTES:
            raise Problem(
                "body_too_large",
                f"The text fields of a form may have {_MAX_TEXT_BYTES:,} bytes together.",
            )

    def _part_end(self) -> None:
        if self._file is None:
            self._add_text(bytes(self._text))
        elif self._part.file_name is None and (text := self._reference(self._file)) is not None:
            self._add_text(text)
        elif self._part.file_name != "" or self._file.length:
            self._upload.files.append(self._file)

    def _add_text(self, data: bytes) -> None:
        if len(self._upload.texts) >= self._limits.texts:
            raise Problem("invalid_request", f"A form may have {self._limits.texts:,} text fields.")
        self._upload.texts.append((self._part.field, self._part.text(data)))

    def _reference(self, file: UploadedFile) -> bytes | None:
        """Return what was written without a file name if it is a text, such as `sha256:…`."""
        data = file.read(self._upload.file, _MAX_REFERENCE_BYTES + 1)
        if data[:6].lower().startswith(_URLS):
            return file.read(self._upload.file)
        return data if len(data) <= _MAX_REFERENCE_BYTES and _is_text(data) else None

    def _end(self) -> None:
        self._ended = True


def _is_text(data: bytes) -> bool:
    try:
        return all(character.isprintable() or character.isspace() for character in data.decode())
    except UnicodeDecodeError:
        return False
