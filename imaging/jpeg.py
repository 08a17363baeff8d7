"""The segments of a JPEG, sorted before Pillow sees them (ITU-T T.81, annex B).

Metadata that no pixel needs is left out: Pillow joins and copies it, in time that grows with the
square of its size. What is behind the end of the picture, such as a second view, is left out too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from imaging.errors import ImageRefused

_START, _END = b"\xff\xd8", b"\xff\xd9"
_SCAN = 0xDA
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_HUFFMAN_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
_PROGRESSIVE = 0xC2
_WITHOUT_BODY = frozenset({0x01, *range(0xD0, 0xD8)})
# A marker begins at the last FF of a run. With `\xff+` a run would take time as its square.
_MARKER = re.compile(rb"\xff[\x01-\xfe]")
# Within the data of a scan FF 00 is a sample, and restarts belong to the data.
_BEHIND_DATA = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_KEPT = {0xE0: b"JFIF", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
_MOST_SEGMENTS = 5_000
# Encoders make 10 scans of colour, or up to 15. 10⁹ pixels take about a second.
_MOST_SCANS, _MOST_PIXELS_OF_SCANS = 100, 1_000_000_000


@dataclass(frozen=True)
class Segments:
    """A JPEG without what is not needed for its pixels.

    `frame` is the marker of its process, such as 0xC2 for progressive; `components` are those of
    the frame, `begun` those of which a scan holds the mean values of blocks; `restarts` are the
    marks within the last scan. `ended` says whether the file has a mark of its end.
    """

    image: bytes
    frame: int
    components: frozenset[int]
    begun: frozenset[int]
    scans: int
    restarts: int
    ended: bool

    @property
    def progressive(self) -> bool:
        """Whether each scan refines the picture."""
        return self.frame == _PROGRESSIVE

    def check_cost(self, size: tuple[int, int]) -> None:
        """Raise ImageRefused if decoding would be slow: every scan goes over all pixels."""
        width, height = size
        if self.scans <= min(_MOST_SCANS, _MOST_PIXELS_OF_SCANS // (width * height)):
            return
        raise ImageRefused(
            "too_expensive",
            f"The JPEG has {self.scans:,} scans of {width} × {height} pixels, which take too long "
            "to decode. Save it again, as a baseline JPEG.",
        )

    @property
    def huffman(self) -> bool:
        """Whether the data are Huffman codes, as in nearly every JPEG."""
        return self.frame in _HUFFMAN_FRAMES


def split(data: bytes) -> Segments | None:
    """Sort the segments of a JPEG; return None for any other file. Raises ImageRefused."""
    if not data.startswith(_START + b"\xff"):
        return None
    segments = _bounded(_segments(data))
    scans = [whole for marker, whole in segments if marker == _SCAN]
    frame, head = next((each for each in segments if each[0] in _FRAMES), (0, b""))
    once = {_EXIF, _XMP}
    kept = [whole for marker, whole in segments if _is_needed(marker, whole[4:], once)]
    return Segments(
        b"".join([_START, *kept]),
        frame,
        frozenset(head[10::3]),
        frozenset().union(*map(_begun, scans)),
        len(scans),
        len(_RESTART.findall(scans[-1])) if scans else 0,
        segments[-1:] == [(_END[1], _END)],
    )


def _bounded(segments: Iterator[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Return the segments; those between the last scan and the end of the file change no pixel."""
    some = list(islice(segments, _MOST_SEGMENTS + 1))
    if len(some) > _MOST_SEGMENTS:
        raise ImageRefused(
            "too_expensive",
            f"The JPEG has more than {_MOST_SEGMENTS:,} segments. Save it again without metadata.",
        )
    if some[-1:] != [(_END[1], _END)]:
        return some
    last = max((at for at, (marker, _) in enumerate(some) if marker == _SCAN), default=-1)
    return [*some[: last + 1], some[-1]]


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield marker and bytes of each segment, scans with their data.

    Ends with the mark of the end. What cannot be divided is yielded whole, with the marker 0.
    """
    at = len(_START)
    while found := _MARKER.search(data, at):
        marker, start = data[found.end() - 1], found.end() - 2
        if marker == _END[1]:
            yield marker, _END
            return
        if marker in _WITHOUT_BODY:
            at = found.end()
            continue
        at = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
        if at < start + 4 or at > len(data):
            yield 0, data[start:]
            return
        if marker == _SCAN:
            at = _end_of_data(data, at)
        yield marker, data[start:at]


def _end_of_data(data: bytes, at: int) -> int:
    """Return where the data of a scan end that begin at `at`: before the fill of a marker."""
    behind = _BEHIND_DATA.search(data, at)
    if behind is None:
        return len(data)
    return at + len(data[at : behind.start()].rstrip(b"\xff"))


def _begun(scan: bytes) -> frozenset[int]:
    """Return the components of which a scan holds the mean values of blocks."""
    count = int.from_bytes(scan[4:5], "big")
    first_coefficient = scan[5 + 2 * count : 6 + 2 * count]
    return frozenset(scan[5 : 5 + 2 * count : 2]) if first_coefficient == b"\0" else frozenset()


def _is_needed(marker: int, body: bytes, once: set[bytes]) -> bool:
    """Return whether pixels or their orientation and colours depend on a segment.

    Of EXIF and of XMP the first one counts, which is then removed from `once`.
    """
    if marker == 0xE1:
        name = next((name for name in once if body.startswith(name)), None)
        once.discard(name or b"")
        return name is not None
    if marker in _KEPT:
        return body.startswith(_KEPT[marker])
    return not (0xE0 <= marker <= 0xEF or marker == 0xFE)
