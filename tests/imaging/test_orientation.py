"""The orientation of a file: EXIF's, or that of XMP where EXIF has none."""

import pytest
from PIL import Image

from imaging.orientation import ORIENTATION
from tests.imaging.reading import chunk, conversions, encoded, read, with_chunks

PICTURE = Image.new("RGB", (40, 20), "teal")
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description '
    b'tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


def exif(orientation: int | None) -> Image.Exif:
    made = Image.Exif()
    made[0x010F] = "a camera"
    if orientation:
        made[ORIENTATION] = orientation
    return made


def with_xmp(kind: str, orientation: int | None) -> bytes:
    """Return a picture with EXIF of that orientation, or of none, beside XMP that says 6."""
    if kind == "PNG":
        text = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)
        return with_chunks(encoded(PICTURE, exif=exif(orientation)), text)
    if kind == "TIFF":
        tags = {700: XMP} | ({ORIENTATION: orientation} if orientation else {})
        return encoded(PICTURE, "TIFF", tiffinfo=tags)
    return encoded(PICTURE, kind, xmp=XMP, exif=exif(orientation))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_xmp_counts_where_exif_says_nothing(kind: str) -> None:
    data = with_xmp(kind, None)
    assert (read(data).size, conversions(data)) == ((20, 40), ["exif_rotated"])
    assert read(data).rgb().size == (20, 40)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_exif_goes_before_xmp(kind: str) -> None:
    for orientation, named in ((1, []), (3, ["exif_rotated"])):
        data = with_xmp(kind, orientation)
        assert (read(data).size, conversions(data)) == ((40, 20), named)


def test_in_an_avif_the_rotation_of_the_container_counts_alone() -> None:
    data = with_xmp("AVIF", None)
    assert (read(data).size, conversions(data)) == ((40, 20), [])
    # Pillow writes the orientation of EXIF as a rotation of the container.
    assert read(with_xmp("AVIF", 8)).size == (20, 40)
