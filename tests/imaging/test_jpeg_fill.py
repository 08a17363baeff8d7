"""Runs of FF in a JPEG: read as ever, in time that grows with their length and not its square."""

import random
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging import jpeg

HEAD = b"\xff\xd8\xff\xda\0\2"
END = b"\xff\xd9"
# The patterns as the standard words them: a marker may have any number of FF before it.
MARKER = re.compile(rb"\xff+[\x01-\xfe]")
END_OF_DATA = re.compile(rb"\xff+[\x01-\xcf\xd8-\xfe]")
BYTES = st.sampled_from([0xFF] * 4 + [0x00, 0x01, 0x02, 0xD0, 0xD7, 0xD8, 0xD9, 0xDA, 0xFE, 0xCF])


def expected(data: bytes) -> list[tuple[int, bytes]]:
    """Return the segments by the patterns of the standard."""
    found: list[tuple[int, bytes]] = []
    at = 2
    while mark := MARKER.search(data, at):
        marker, start = data[mark.end() - 1], mark.end() - 2
        if marker == 0xD9:
            return [*found, (marker, END)]
        if marker == 0x01 or 0xD0 <= marker <= 0xD7:
            at = mark.end()
            continue
        at = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
        if at < start + 4 or at > len(data):
            return [*found, (0, data[start:])]
        if marker == 0xDA:
            behind = END_OF_DATA.search(data, at)
            at = behind.start() if behind else len(data)
        found.append((marker, data[start:at]))
    return found


@given(st.lists(BYTES, max_size=40).map(bytes), st.booleans())
def test_random_bytes_are_divided_as_the_standard_words_it(tail: bytes, scan: bool) -> None:
    data = (HEAD if scan else HEAD[:2]) + tail
    assert list(jpeg._segments(data)) == expected(data)


def test_random_scans_end_before_the_fill_of_the_next_marker() -> None:
    draw = random.Random(5)
    for _ in range(2_000):
        data = HEAD + b"".join(
            b"\xff" * draw.randrange(4) + bytes([draw.choice(b"\0\0\1\x7f\xd0\xd9\xda\xc4\xff")])
            for _ in range(draw.randrange(30))
        )
        assert list(jpeg._segments(data)) == expected(data)


def shortest(data: bytes) -> float:
    """Return the seconds of the fastest of a few readings."""
    taken = []
    for _ in range(10):
        began = time.perf_counter()
        jpeg.split(data)
        taken.append(time.perf_counter() - began)
    return min(taken)


@pytest.mark.parametrize("head", [HEAD, HEAD[:2] + b"\xff\xe5\0\2"])
@pytest.mark.parametrize("behind", [b"\0", b"\xd0", b"\xff", b"\xd9"])
def test_a_run_of_any_length_takes_time_in_proportion(head: bytes, behind: bytes) -> None:
    """Eight times as many bytes would take 64 times as long with a search from each of them."""
    few, many = (shortest(head + b"\xff" * count + behind + END) for count in (4_000, 32_000))
    assert many < 24 * few
