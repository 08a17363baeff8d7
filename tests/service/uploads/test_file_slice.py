"""A slice reads like a file that holds only its bytes."""

import io
import os
import random
from pathlib import Path

import pytest

from service.uploads.file_slice import FileSlice, ReadTooLarge


def test_any_sequence_of_reads_and_seeks(tmp_path: Path) -> None:
    chance = random.Random(0)
    whole = chance.randbytes(500)
    path = tmp_path / "whole"
    path.write_bytes(whole)
    with path.open("rb") as file:
        for start, length in ((0, 500), (100, 200), (499, 1), (250, 0)):
            part, oracle = FileSlice(file, start, length), io.BytesIO(whole[start : start + length])
            for _ in range(200):
                if chance.random() < 0.4:
                    offset, whence = (
                        chance.randrange(-50, 250),
                        chance.choice([os.SEEK_SET, os.SEEK_CUR, os.SEEK_END]),
                    )
                    base = {os.SEEK_SET: 0, os.SEEK_CUR: oracle.tell(), os.SEEK_END: length}[whence]
                    if base + offset >= 0:
                        assert part.seek(offset, whence) == oracle.seek(offset, whence)
                    else:
                        with pytest.raises(OSError, match="beginning"):
                            part.seek(offset, whence)
                size = chance.randrange(-1, 60)
                assert part.read(size) == oracle.read(size)
                assert part.tell() == oracle.tell()


def test_no_more_at_a_time_than_allowed(tmp_path: Path) -> None:
    path = tmp_path / "whole"
    path.write_bytes(bytes(100))
    with path.open("rb") as file:
        part = FileSlice(file, 0, 100, most=50)
        for size in (51, -1):
            with pytest.raises(ReadTooLarge):
                part.read(size)
        assert len(part.read(50)) == len(part.read()) == 50
