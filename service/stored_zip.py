"""A zip archive of files that are stored as they are, written while it is sent.

The format is PKWARE's APPNOTE 6.3. Every header states the size and the checksum of its file, so
that readers of streams can read the archive, too. A file that is larger than `IN_MEMORY` is
therefore read twice, and no more than that is ever held. The same files make the same bytes.
"""

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

IN_MEMORY = 8 << 20
_MOST_32, _MOST_16 = 0xFFFFFFFF, 0xFFFF
# 1980-01-01 00:00, the first moment that the format knows.
_TIME, _DATE = 0, 0x21
_UTF_8 = 0x800
_LOCAL, _CENTRAL, _END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L"), "<4s4H2LH"
_END_64, _LOCATOR_64 = "<4sQ2H2L4Q", "<4sLQL"
_ZIP_64 = 45


@dataclass(frozen=True)
class ZipEntry:
    """A file of the archive. `read` yields its bytes in chunks, from the beginning at each call."""

    name: str
    size: int
    read: Callable[[], Iterator[bytes]]


def zip_length(entries: Sequence[ZipEntry]) -> int:
    """Return the length of the archive in bytes."""
    headers, offset = 0, 0
    for entry in entries:
        headers += len(_central(entry, 0, offset))
        offset += len(_local(entry, 0)) + entry.size
    return offset + headers + len(_end(len(entries), offset, headers))


def zip_chunks(entries: Sequence[ZipEntry]) -> Iterator[bytes]:
    """Yield the archive. Raises what `read` raises, and ValueError for a file of another size."""
    headers, offset = [], 0
    for entry in entries:
        checksum, chunks = _checked(entry)
        local = _local(entry, checksum)
        yield local
        yield from chunks
        headers.append(_central(entry, checksum, offset))
        offset += len(local) + entry.size
    directory = b"".join(headers)
    yield directory + _end(len(entries), offset, len(directory))


def _checked(entry: ZipEntry) -> tuple[int, Iterator[bytes]]:
    """Return the checksum of a file, and its bytes."""
    checksum, size = 0, 0
    kept: list[bytes] = []
    for chunk in entry.read():
        checksum = zlib.crc32(chunk, checksum)
        size += len(chunk)
        if entry.size <= IN_MEMORY:
            kept.append(chunk)
    if size != entry.size:
        raise ValueError(f"{entry.name} has {size} bytes, not {entry.size}")
    return checksum, iter(kept) if entry.size <= IN_MEMORY else entry.read()


def _local(entry: ZipEntry, checksum: int) -> bytes:
    name, size = entry.name.encode(), min(entry.size, _MOST_32)
    large = entry.size >= _MOST_32
    extra = struct.pack("<2H2Q", 1, 16, entry.size, entry.size) if large else b""
    version = _ZIP_64 if large else 20
    return (
        _LOCAL.pack(
            *(b"PK\3\4", version, _UTF_8, 0, _TIME, _DATE, checksum, size, size),
            *(len(name), len(extra)),
        )
        + name
        + extra
    )


def _central(entry: ZipEntry, checksum: int, offset: int) -> bytes:
    name = entry.name.encode()
    large = [entry.size, entry.size] if entry.size >= _MOST_32 else []
    large += [offset] if offset >= _MOST_32 else []
    extra = struct.pack(f"<2H{len(large)}Q", 1, 8 * len(large), *large) if large else b""
    version, size = _ZIP_64 if large else 20, min(entry.size, _MOST_32)
    return (
        _CENTRAL.pack(
            *(b"PK\1\2", version, version, _UTF_8, 0, _TIME, _DATE, checksum, size, size),
            *(len(name), len(extra), 0, 0, 0, 0, min(offset, _MOST_32)),
        )
        + name
        + extra
    )


def _end(count: int, offset: int, length: int) -> bytes:
    large = b""
    if count >= _MOST_16 or offset >= _MOST_32 or length >= _MOST_32:
        large = struct.pack(
            _END_64,
            *(b"PK\6\6", 44, _ZIP_64, _ZIP_64, 0, 0, count, count, length, offset),
        ) + struct.pack(_LOCATOR_64, b"PK\6\7", 0, offset + length, 1)
    few = min(count, _MOST_16)
    return large + struct.pack(
        _END,
        *(b"PK\5\6", 0, 0, few, few, min(length, _MOST_32), min(offset, _MOST_32), 0),
    )
