"""Sound and manipulated zip files, made in memory."""

import io
import struct
import zlib
from collections.abc import Mapping
from zipfile import ZIP_DEFLATED, ZipFile


def zipped(files: Mapping[str, bytes], method: int = ZIP_DEFLATED) -> bytes:
    """Return a zip file of these files in this order."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def bomb(megabytes: int) -> bytes:
    """Return a zip file with one entry that is a thousand times larger unpacked."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive, archive.open("bomb.png", "w") as entry:
        for _ in range(megabytes):
            entry.write(bytes(1 << 20))
    return buffer.getvalue()


def with_size(archive: bytes, claimed: int) -> bytes:
    """Return the file with headers that claim another unpacked size of its only entry."""
    size = struct.pack("<I", claimed)
    local, central = archive.index(b"PK\3\4"), archive.index(b"PK\1\2")
    changed = bytearray(archive)
    changed[local + 22 : local + 26] = size
    changed[central + 24 : central + 28] = size
    return bytes(changed)


def with_flags(archive: bytes, flags: int) -> bytes:
    """Return the file with other flags on every entry; bit 0 is encryption."""
    return _patched(archive, flags, local=6, central=8)


def with_method(archive: bytes, method: int) -> bytes:
    """Return the file with another compression method claimed for every entry."""
    return _patched(archive, method, local=8, central=10)


def _patched(archive: bytes, value: int, local: int, central: int) -> bytes:
    changed = bytearray(archive)
    for mark, offset in ((b"PK\3\4", local), (b"PK\1\2", central)):
        at = archive.find(mark)
        while at >= 0:
            changed[at + offset : at + offset + 2] = struct.pack("<H", value)
            at = archive.find(mark, at + 4)
    return bytes(changed)


def one_member(entries: int, megabytes: int) -> bytes:
    """Return a zip file of entries that share one packed member of zeros."""
    size, name = megabytes << 20, b"a.png"
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = squeeze.compress(bytes(size)) + squeeze.flush()
    fields = (zlib.crc32(bytes(size)), len(body), size, len(name), 0)
    head = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, ZIP_DEFLATED, 0, 0, *fields)
    entry = struct.pack("<4s6H3I2H", b"PK\1\2", 20, 20, 0, ZIP_DEFLATED, 0, 0, *fields) + bytes(14)
    member, directory = head + name + body, (entry + name) * entries
    end = (0, 0, entries, entries, len(directory), len(member), 0)
    return member + directory + struct.pack("<4s4H2IH", b"PK\5\6", *end)
