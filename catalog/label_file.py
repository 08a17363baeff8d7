"""The labels of a model's classes as text: a file with one label on each line, or a list."""

from collections.abc import Sequence
from pathlib import Path
from unicodedata import normalize


def comparable(text: str) -> str:
    """Return a text in the form in which labels are stored and compared: Unicode's NFC.

    macOS writes "ü" as two characters in file names (NFD), most keyboards write it as one.
    """
    return normalize("NFC", text)


def read_labels(file: Path) -> tuple[str, ...]:
    """Return the labels of a file, one on each line.

    Lines end as in any text file, with LF, CRLF or CR. Other characters that Unicode calls line
    ends, such as U+2028, belong to the label. A byte order mark and empty lines at the end are
    skipped. Raises ValueError if the file cannot be read, or has an empty line before its last
    label.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError:
        raise ValueError(
            f"labels: the file {file.name!r} next to the TOML file cannot be read."
        ) from None
    except UnicodeDecodeError:
        raise ValueError(
            f"labels: the file {file.name!r} is not UTF-8. Save it as UTF-8."
        ) from None
    lines = text.rstrip().replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return clean_labels(lines if text.strip() else (), "line")


def clean_labels(labels: Sequence[str], place: str) -> tuple[str, ...]:
    """Return labels in the form in which they are compared, without spaces around them.

    `place` names a position, such as "line". Raises ValueError if a label is empty.
    """
    cleaned = tuple(comparable(label.strip()) for label in labels)
    if "" in cleaned:
        number = cleaned.index("") + 1
        raise ValueError(
            f"labels: {place} {number} is empty. Write a label for each class, in their order."
        )
    return cleaned
