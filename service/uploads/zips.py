"""Zip files of images. Nothing is unpacked to disk, and no size in a header is trusted."""

import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from jobs.settings import Settings
from service.problems import Problem
from service.uploads.file_slice import ReadTooLarge
from service.uploads.upload import UploadedFile

_CHUNK = 1 << 16
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_DIRECTORY_BYTES_PER_ENTRY = 512
# The end of a zip file, comment included, is read at once.
_LEAST_DIRECTORY_BYTES = 1 << 17
_MOST_SHOWN = 200


@dataclass
class Candidate:
    """A file that may be an image: its name in the response, and its bytes.

    `load` may raise Problem.
    """

    name: str
    load: Callable[[], bytes]


@dataclass
class Budget:
    """The entries and bytes that all zip files of one request may still have together."""

    entries: int
    bytes: int

    @classmethod
    def of(cls, settings: Settings) -> "Budget":
        return cls(settings.max_zip_entries, settings.max_zip_bytes)


def candidates(
    zipped: UploadedFile, file: IO[bytes], budget: Budget, settings: Settings
) -> Iterator[Candidate]:
    """Yield the files of a zip file in its order.

    Raises Problem if it is not a zip file or has too many entries.
    """
    directory_bytes = max(
        settings.max_zip_entries * _DIRECTORY_BYTES_PER_ENTRY, _LEAST_DIRECTORY_BYTES
    )
    try:
        archive = ZipFile(zipped.open(file, directory_bytes))
    except ReadTooLarge as error:
        raise _too_many(settings) from error
    except Exception as error:
        # zipfile raises many kinds of exception for damaged files.
        raise Problem(
            "zip_broken",
            "The file is not a zip file, or it is damaged. Was the upload cut off?",
        ) from error
    with archive:
        budget.entries -= len(archive.infolist())
        if budget.entries < 0:
            raise _too_many(settings)
        for info in archive.infolist():
            if not _skipped(info):
                name = printable_name(info.filename)
                yield Candidate(name, partial(_load, archive, info, budget, settings))


def printable_name(name: str) -> str:
    """Return a client's file name without `..`, control characters and excessive length."""
    path = "/".join(part for part in _parts(name) if part not in (".", ".."))
    text = "".join(letter if letter.isprintable() else "\ufffd" for letter in path)
    return text[-_MOST_SHOWN:] or "unnamed"


def _load(archive: ZipFile, info: ZipInfo, budget: Budget, settings: Settings) -> bytes:
    _check(info)
    if info.file_size > settings.max_body_bytes:
        raise too_large(settings)
    data = bytearray()
    try:
        with archive.open(info) as stream:
            while chunk := stream.read(_CHUNK):
                data += chunk
                budget.bytes -= len(chunk)
                if len(data) > settings.max_body_bytes:
                    raise too_large(settings)
                if budget.bytes < 0:
                    raise _spent(settings)
    except Problem:
        raise
    except Exception as error:
        # zipfile and zlib raise many kinds of exception for damaged entries.
        raise Problem(
            "zip_entry_damaged", "The entry cannot be unpacked: the zip file is damaged here."
        ) from error
    return bytes(data)


def too_large(settings: Settings) -> Problem:
    """Return the problem of an image file above the size limit."""
    return Problem("file_too_large", f"The limit is {settings.max_body_bytes:,} bytes per image.")


def _too_many(settings: Settings) -> Problem:
    return Problem(
        "zip_too_large",
        f"The limit is {settings.max_zip_entries:,} entries per request. Send several requests.",
    )


def _spent(settings: Settings) -> Problem:
    return Problem(
        "zip_too_large",
        f"The limit is {settings.max_zip_bytes:,} unpacked bytes per request. "
        "Send several requests.",
    )


def _check(info: ZipInfo) -> None:
    if info.flag_bits & _ENCRYPTED:
        raise Problem("zip_entry_encrypted", "Create the zip file without a password.")
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise Problem(
            "zip_entry_unsupported",
            "Only the methods deflate and store are supported: zip -r photos.zip photos.",
        )
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        raise Problem(
            "zip_entry_unsupported",
            "The entry is a link or a device. Put the file itself into the zip file.",
        )


def _skipped(info: ZipInfo) -> bool:
    """Return whether the entry is a folder, a hidden file, or a file manager's `__MACOSX`."""
    parts = _parts(info.filename)
    hidden = any(part.startswith(".") and part not in (".", "..") for part in parts)
    return info.is_dir() or hidden or "__MACOSX" in parts


def _parts(name: str) -> list[str]:
    return [part for part in re.split(r"[/\\]", name) if part]
