"""Arrays that a client sends."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workers.toolkit.errors import UnreadableArray

Array = NDArray[np.float32]
Input = Image.Image | Array


def read_array(data: bytes) -> Array:
    """Read a .npy file of float16, float32 or float64 as float32.

    Nothing in the file is executed. Raises UnreadableArray.
    """
    try:
        values = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except Exception as error:  # numpy's reader raises errors of any class for damaged headers
        raise UnreadableArray(
            "The array cannot be read. Send a .npy file, as numpy.save writes it."
        ) from error
    if not isinstance(values, np.ndarray) or values.dtype.kind != "f" or values.size == 0:
        raise UnreadableArray("The array must hold float16, float32 or float64 numbers.")
    with np.errstate(over="ignore"):
        small = np.ascontiguousarray(values, dtype=np.float32)
    if not np.isfinite(small).all():
        raise UnreadableArray("The array holds NaN, infinity or numbers too large for float32.")
    return small
