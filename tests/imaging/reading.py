"""Files that tests make, and what `imaging` makes of them."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from imaging.examine import Examined, examine
from imaging.formats import open_file

FILES = Path(__file__).parent / "files"


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def read(data: bytes) -> Examined:
    return examine(open_file(data))


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(read(data).rgb()).astype(int)


def conversions(data: bytes) -> list[str]:
    return read(data).conversions


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def with_chunks(data: bytes, *chunks: bytes) -> bytes:
    """Return a PNG with further chunks behind its header."""
    return data[:33] + b"".join(chunks) + data[33:]


def png(samples: np.ndarray, *chunks: bytes, depth: int = 8) -> bytes:
    """Return a PNG of samples (H, W) or (H, W, C) with that many bits each, written here."""
    height, width = samples.shape[:2]
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    rows = samples.reshape(height, -1).astype(">u2" if depth == 16 else np.uint8)
    if depth < 8:
        bits = (rows[..., None] >> np.arange(depth - 1, -1, -1)) & 1
        rows = np.packbits(bits.reshape(height, -1), axis=1)
    body = b"".join(b"\0" + row.tobytes() for row in rows)
    head = struct.pack(
        ">IIBBBBB", width, height, depth, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0
    )
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", head),
            *chunks,
            chunk(b"IDAT", zlib.compress(body)),
            chunk(b"IEND", b""),
        ]
    )


def tiff(samples: np.ndarray, **tags: object) -> bytes:
    """Return an uncompressed TIFF of one strip. `tags` override bits, photometric and so on."""
    samples = np.ascontiguousarray(samples)
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    kinds = {"u": 1, "i": 2, "f": 3}
    fields = {
        256: (samples.shape[1],),
        257: (samples.shape[0],),
        258: tags.get("bits", (8 * samples.dtype.itemsize,) * channels),
        259: (1,),
        262: (tags.get("photometric", 1 if channels == 1 else 2),),
        273: (0,),
        277: (channels,),
        278: (samples.shape[0],),
        279: (samples.nbytes,),
        339: (kinds[samples.dtype.kind],) * channels,
    }
    fields |= tags.get("more", {})
    data, extra, entries = samples.tobytes(), b"", []
    data += b"\0" * (-len(data) % 2)
    base = 8 + len(data) + 2 + 12 * len(fields) + 4
    fields[273] = (8,)
    for tag, values in sorted(fields.items()):
        kind = 7 if isinstance(values, bytes) else 4 if tag in (273, 279) else 3
        form = {3: "H", 4: "I", 7: "B"}[kind]
        body = struct.pack(f"<{len(values)}{form}", *values)
        if len(body) > 4:
            body, extra = struct.pack("<I", base + len(extra)), extra + body
        entries.append(struct.pack("<HHI", tag, kind, len(values)) + body.ljust(4, b"\0"))
    directory = struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory + extra


def flat(colour, mode="RGB", size=(16, 16)) -> Image.Image:
    return Image.new(mode, size, colour)
