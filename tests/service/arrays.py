"""Array files of every unusual kind, made by NumPy or byte by byte."""

import io
import struct
from typing import Any

import numpy as np


def npy(array: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    """Return the file that NumPy writes."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=version, allow_pickle=True)
    return buffer.getvalue()


def handmade(header: str | bytes, values: bytes = bytes(16), version: int = 1) -> bytes:
    """Return a file with any header before any values."""
    text = header if isinstance(header, bytes) else header.encode()
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + values


def described(values: bytes = bytes(16), **changed: Any) -> bytes:
    """Return a header with one entry changed."""
    return handmade(repr({"descr": "<f4", "fortran_order": False, "shape": (4,)} | changed), values)
