"""Labels from a file of any editor: each line one label, compared in one form of Unicode."""

from pathlib import Path

import pytest

from catalog.label_file import read_labels
from catalog.targets import parse_target

COMPOSED, DECOMPOSED = "f\u00fcnf", "fu\u0308nf"


def written(folder: Path, data: bytes) -> Path:
    file = folder / "labels.txt"
    file.write_bytes(data)
    return file


@pytest.mark.parametrize(
    "data",
    [
        b"cat\ndog\n",
        b"cat\ndog",
        b"\xef\xbb\xbfcat\ndog\n",
        b"cat\r\ndog\r\n",
        b"\xef\xbb\xbfcat\r\ndog",
        b"cat\rdog\r",
        b"cat\ndog\n\n  \n\r\n",
        b" cat \n\tdog",
    ],
    ids=repr,
)
def test_two_lines_are_two_labels(tmp_path: Path, data: bytes) -> None:
    assert read_labels(written(tmp_path, data)) == ("cat", "dog")


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d"])
def test_what_only_unicode_calls_a_line_end_stays_within_its_label(
    tmp_path: Path, end: str
) -> None:
    file = written(tmp_path, f"big{end}cat\ndog\n".encode())
    assert read_labels(file) == (f"big{end}cat", "dog")


@pytest.mark.parametrize(
    ("data", "line"), [(b"cat\n\ndog\n", 2), (b"\ncat\ndog", 1), (b"cat\r\n \r\ndog\r\n", 2)]
)
def test_an_empty_line_before_a_label_is_refused(tmp_path: Path, data: bytes, line: int) -> None:
    with pytest.raises(ValueError, match=f"labels: line {line} is empty"):
        read_labels(written(tmp_path, data))


def test_an_empty_file_has_no_labels(tmp_path: Path) -> None:
    assert read_labels(written(tmp_path, b"\n \n")) == ()


def test_labels_may_repeat_as_those_of_imagenet_do(tmp_path: Path) -> None:
    assert read_labels(written(tmp_path, b"crane\ntench\ncrane\n")) == ("crane", "tench", "crane")


@pytest.mark.parametrize("data", ["cat\ndog".encode("utf-16"), b"f\xfcnf\n"])
def test_a_file_in_another_encoding_is_told_so(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"'labels\.txt' is not UTF-8"):
        read_labels(written(tmp_path, data))


@pytest.mark.parametrize("stored", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("asked", [COMPOSED, DECOMPOSED, COMPOSED.upper()])
def test_a_label_is_found_in_either_form_of_unicode(
    tmp_path: Path, stored: str, asked: str
) -> None:
    labels = read_labels(written(tmp_path, f"vier\n{stored}\n".encode()))
    assert labels == ("vier", COMPOSED)
    assert parse_target(f"class:{asked}", labels, "net").index == 1
