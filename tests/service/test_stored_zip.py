"""Zips of stored files: other programs read them, and they say how long they are."""

import io
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from service.stored_zip import IN_MEMORY, ZipEntry, zip_chunks, zip_length

_CHUNK = 1 << 20


def entry(name: str, data: bytes) -> ZipEntry:
    def read() -> Iterator[bytes]:
        yield from (data[start : start + 1000] for start in range(0, len(data), 1000))

    return ZipEntry(name, len(data), read)


def zeros(name: str, size: int) -> ZipEntry:
    def read() -> Iterator[bytes]:
        for start in range(0, size, _CHUNK):
            yield bytes(min(_CHUNK, size - start))

    return ZipEntry(name, size, read)


FILES = {
    "heatmap.png": np.random.default_rng(0).bytes(5000),
    "leer.txt": b"",
    "größe.npy": bytes(IN_MEMORY + 1),
}


def test_python_reads_it() -> None:
    entries = [entry(name, data) for name, data in FILES.items()]
    archive = b"".join(zip_chunks(entries))
    assert len(archive) == zip_length(entries)
    assert archive == b"".join(zip_chunks(entries))
    with zipfile.ZipFile(io.BytesIO(archive)) as read:
        assert read.testzip() is None
        assert {name: read.read(name) for name in read.namelist()} == FILES
        for info in read.infolist():
            assert (info.compress_type, info.flag_bits & 8) == (zipfile.ZIP_STORED, 0)
            assert info.date_time == (1980, 1, 1, 0, 0, 0)


def test_a_reader_of_streams_finds_sizes_and_checksums_before_each_file() -> None:
    """The headers in front of the files are those that Python writes where it can go back."""
    [data] = [FILES["heatmap.png"]]
    ours = b"".join(zip_chunks([entry("heatmap.png", data)]))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("heatmap.png"), data)
    theirs = buffer.getvalue()
    # All but the flag of UTF-8.
    assert ours[:6] == theirs[:6]
    assert ours[8 : 41 + len(data)] == theirs[8 : 41 + len(data)]


def test_a_file_that_has_changed_is_not_sent() -> None:
    broken = ZipEntry("a", 3, lambda: iter([b"four"]))
    with pytest.raises(ValueError, match="4 bytes, not 3"):
        b"".join(zip_chunks([broken]))


def test_it_holds_no_large_file() -> None:
    tracemalloc.start()
    sent = sum(map(len, zip_chunks([zeros("a", 20 * IN_MEMORY)])))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sent > 20 * IN_MEMORY
    assert peak < IN_MEMORY


@pytest.mark.slow
def test_files_and_archives_of_more_than_four_gigabytes(tmp_path: Path) -> None:
    entries = [zeros("large", (1 << 32) + 5), entry("behind", b"it"), entry("last", b"one")]
    path = tmp_path / "large.zip"
    with path.open("wb") as file:
        for chunk in zip_chunks(entries):
            # The zeros are left out of the file, which is sparse.
            if chunk.strip(b"\0"):
                file.write(chunk)
            else:
                file.seek(len(chunk), io.SEEK_CUR)
    assert path.stat().st_size == zip_length(entries)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.read("behind") + archive.read("last") == b"itone"
