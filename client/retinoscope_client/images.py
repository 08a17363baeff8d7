"""Images as they are given to a call, and as they are sent."""

from __future__ import annotations

import hashlib
import io
import os
import sys
from base64 import b64encode
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from retinoscope_client.errors import APIError, RetinoscopeError
from retinoscope_client.steps import Flow, Request

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

# A path, the bytes of a file, an open file, an image of Pillow, an array, or a text that the server
# understands: `sha256:…`, `https://…`, `data:…`.
ImageLike: TypeAlias = "str | os.PathLike[str] | bytes | IO[bytes] | Image | np.ndarray[Any, Any]"

_REFERENCES = ("sha256:", "data:", "http://", "https://")
_NPY = b"\x93NUMPY"
_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")


def stored(image: Any) -> Flow[str]:
    """Upload an image, unless the server has it, and return what to name it by in a request."""
    if isinstance(image, str) and image.startswith(_REFERENCES):
        return image
    data = file_bytes(image)
    if data.startswith(_NPY):  # an array is stored with the job that it comes with
        return f"data:application/octet-stream;base64,{b64encode(data).decode()}"
    image_id = f"sha256:{hashlib.sha256(data).hexdigest()}"
    try:
        yield Request("GET", f"/v1/images/{image_id}")
    except APIError as error:
        if error.code != "image_not_found":
            raise
        yield Request("POST", "/v1/images", body=data, headers={"Content-Type": "image/*"})
    return image_id


def file_bytes(image: Any) -> bytes:
    """Return the bytes of a file of an image or an array. Raises RetinoscopeError."""
    pillow = sys.modules.get("PIL.Image")
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image)
    if isinstance(image, str | os.PathLike):
        try:
            return Path(image).read_bytes()
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise RetinoscopeError(f"The file {str(image)!r} cannot be read: {reason}.") from None
    if pillow is not None and isinstance(image, pillow.Image):
        return _encoded(image)
    if hasattr(image, "read"):
        return bytes(image.read())
    if hasattr(image, "__array__"):
        return _array(image)
    raise RetinoscopeError(f"An image cannot be a {type(image).__name__}. Pass a path or bytes.")


def extra(module: str, package: str) -> Any:
    """Import what an extra of this package installs. Raises RetinoscopeError."""
    try:
        return import_module(module)
    except ImportError:
        raise RetinoscopeError(f"Install it: pip install 'retinoscope-client[{package}]'") from None


def _encoded(image: Image) -> bytes:
    """Return a file with exactly the pixels and the profile of an image of Pillow."""
    file = io.BytesIO()
    image.save(file, format="PNG" if image.mode in _PNG_MODES else "TIFF")
    return file.getvalue()


def _array(values: Any) -> bytes:
    """Return 8-bit pixels [H, W], [H, W, 3] or [H, W, 4] as PNG, any other array as .npy."""
    numpy = extra("numpy", "numpy")
    array = numpy.asarray(values)
    colours = array.ndim == 3 and array.shape[2] in (3, 4)
    if array.dtype == numpy.uint8 and (array.ndim == 2 or colours):
        return _encoded(extra("PIL.Image", "pillow").fromarray(array))
    if colours:
        raise RetinoscopeError(f"Pixels are uint8, 0 to 255. Convert them from {array.dtype}.")
    file = io.BytesIO()
    numpy.save(file, array, allow_pickle=False)
    return file.getvalue()
