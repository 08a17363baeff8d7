"""The picture so far, small enough to be shown every second."""

import io

from PIL import Image

MEDIA_TYPE = "image/jpeg"
_MOST = 512


def shrunk(picture: Image.Image) -> bytes:
    """A JPEG of at most 512 pixels a side; the picture itself is left as it is."""
    small = picture.convert("RGB")
    small.thumbnail((_MOST, _MOST), Image.Resampling.BILINEAR, reducing_gap=2)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
