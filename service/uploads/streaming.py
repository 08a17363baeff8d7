"""Large bodies, forms and zip files, written to one temporary file as they arrive."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import IO

from fastapi import Request
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool

from service.problems import Problem
from service.uploads.file_slice import FileSlice

ZIP_TYPES = frozenset({"application/zip", "application/x-zip-compressed", "application/x-zip"})
_MAX_TEXT_BYTES = 1 << 20
_UNREADABLE = "The form cannot be parsed. With curl, use -F image=@photo.jpg or -F zip=@photos.zip."


@dataclass
class UploadedFile:
    """A file of the body, and its range in the temporary file."""

    field: str
    name: str
    start: int
    length: int = 0

    def open(self, file: IO[bytes], most: int | None = None) -> FileSlice:
        """Return the file as a readable slice; one read returns at most `most` bytes."""
        return FileSlice(file, self.start, self.length, most)


@dataclass
class Upload:
    """A body that has arrived: the texts with their fields, in order, and the files."""

    file: IO[bytes]
    texts: list[tuple[str, str]] = field(default_factory=list)
    files: list[UploadedFile] = field(default_factory=list)


def media_type(request: Request) -> str:
    """Return the media type of the body in lower case, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


@asynccontextmanager
async def receive(request: Request, max_files: int) -> AsyncIterator[Upload]:
    """Yield the body, a form or a zip file; the temporary file lives as long as the block.

    Raises Problem.
    """
    with TemporaryFile(prefix="retinoscope-") as file:
        upload = Upload(file)
        if media_type(request) in ZIP_TYPES:
            await _receive_zip(request, upload)
        else:
            await _receive_form(request, upload, max_files)
        await run_in_threadpool(file.flush)
        yield upload


async def _receive_zip(request: Request, upload: Upload) -> None:
    whole = UploadedFile("zip", "zip", 0)
    async for chunk in request.stream():
        await run_in_threadpool(upload.file.write, chunk)
        whole.length += len(chunk)
    if whole.length:
        upload.files.append(whole)


async def _receive_form(request: Request, upload: Upload, max_files: int) -> None:
    try:
        _, options = parse_options_header(request.headers["content-type"])
        form = _Form(options[b"boundary"], upload, max_files)
        async for chunk in request.stream():
            await run_in_threadpool(form.write, chunk)
    except (FormParserError, ValueError, KeyError) as error:
        raise Problem("invalid_request", _UNREADABLE) from error
    if not form.ended:
        raise Problem(
            "invalid_request", "The form has no closing boundary. Was the upload cut off?"
        )


class _Form:
    """A parser that writes the files of a form to the temporary file, one after the other."""

    def __init__(self, boundary: bytes, upload: Upload, max_files: int) -> None:
        self.ended = False
        self._upload = upload
        self._max_files = max_files
        self._headers: dict[bytes, bytes] = {}
        self._name, self._value = b"", b""
        self._file: UploadedFile | None = None
        self._text, self._text_bytes = bytearray(), 0
        self._parser = MultipartParser(
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

    def write(self, chunk: bytes) -> None:
        self._parser.write(chunk)

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
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        self._field = options[b"name"].decode(errors="replace")
        if b"filename" not in options:
            return
        name = options[b"filename"].decode(errors="replace")
        self._file = UploadedFile(self._field, name, self._upload.file.tell())
        self._upload.files.append(self._file)
        if len(self._upload.files) > self._max_files:
            raise Problem(
                "too_many_files",
                f"The limit is {self._max_files:,} files per request. "
                "Send several requests, or a zip file.",
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
                f"The text fields have more than {_MAX_TEXT_BYTES:,} bytes together.",
            )

    def _part_end(self) -> None:
        if self._file is None:
            self._upload.texts.append((self._field, self._text.decode(errors="replace")))

    def _end(self) -> None:
        self.ended = True
